// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/jid.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp {
namespace {

TEST(jid, has_three_parts) {
  const auto full = jid::parse("Alice@XMPP.test./SIP-phone/2@home");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->local(), "alice");
  EXPECT_EQ(full->domain(), "xmpp.test");
  EXPECT_EQ(full->resource(), "SIP-phone/2@home");
  EXPECT_EQ(full->bare(), "alice@xmpp.test");
  EXPECT_EQ(full->full(), "alice@xmpp.test/SIP-phone/2@home");
  const auto server = jid::parse("xmpp.test");
  ASSERT_TRUE(server);
  EXPECT_EQ(server->full(), "xmpp.test");
  EXPECT_TRUE(jid::parse("j\xc3\xbcrgen@b\xc3\xbc"
                         "cher.example"));
}

// RFC 7622 3.2 to 3.4
TEST(jid, is_refused_where_a_part_is_missing_too_long_or_forbidden) {
  const std::string most(1023, 'a');
  EXPECT_TRUE(jid::parse(most + "@b/" + most));
  for (const std::string& bad :
       {std::string{}, std::string{"@b"}, std::string{"a@"}, std::string{"a@b/"},
        std::string{"a@b@c"}, std::string{"a b@c"}, std::string{"a'@b"}, std::string{"a\n@b"},
        std::string{"a@b/c\x01"}, std::string{"a@b\\c"}, std::string{"a@b.."},
        std::string{"\xe9@b"}, std::string{"a@b/\xff"}, std::string{"a@b\0", 4}, most + "a@b",
        "a@" + most + "a", "a@b/" + most + "a"})
    EXPECT_FALSE(jid::parse(bad)) << bad;
}

} // namespace
} // namespace tandem::xmpp

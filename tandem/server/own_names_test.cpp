// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/own_names.hpp>

#include <gtest/gtest.h>

namespace tandem::server {
namespace {

TEST(own_names, a_listener_is_ours_with_its_port_and_a_missing_port_is_5060) {
  own_names names;
  names.add_listener(*socket_address::parse("192.0.2.1:5060"));
  names.add_listener(*socket_address::parse("[2001:db8::1]:5070"));
  EXPECT_TRUE(names.contains("192.0.2.1", 0));
  EXPECT_TRUE(names.contains("192.0.2.1", 5060));
  EXPECT_FALSE(names.contains("192.0.2.1", 5070));
  EXPECT_TRUE(names.contains("[2001:DB8:0::1]", 5070));
  EXPECT_TRUE(names.contains("2001:db8::1", 5070));
  EXPECT_FALSE(names.contains("[2001:db8::1]", 0));
  EXPECT_FALSE(names.contains("192.0.2.2", 0));
}

TEST(own_names, an_alias_is_ours_in_any_case_and_with_any_port_unless_it_names_one) {
  own_names names;
  ASSERT_TRUE(names.add_alias("Example.COM"));
  ASSERT_TRUE(names.add_alias("sip.example.org:5080"));
  ASSERT_TRUE(names.add_alias("192.0.2.9"));
  EXPECT_TRUE(names.contains("example.com", 0));
  EXPECT_TRUE(names.contains("EXAMPLE.com.", 7777));
  EXPECT_TRUE(names.contains("sip.example.org", 5080));
  EXPECT_FALSE(names.contains("sip.example.org", 0));
  EXPECT_TRUE(names.contains("192.0.2.9", 9));
  EXPECT_FALSE(names.contains("evilexample.com", 0));
  EXPECT_FALSE(names.contains("", 0));
}

// RFC 3261 19.1.2, 26.2.2
TEST(own_names, a_uri_without_a_port_means_that_of_its_transport) {
  own_names names;
  names.add_listener(*socket_address::parse("192.0.2.1:5060"));
  names.add_listener(*socket_address::parse("192.0.2.2:5061"));
  const auto is_own = [&](std::string_view text) { return names.contains(*sip::uri::parse(text)); };
  EXPECT_TRUE(is_own("sip:192.0.2.1"));
  EXPECT_TRUE(is_own("sip:a@192.0.2.1;transport=tcp"));
  EXPECT_FALSE(is_own("sips:192.0.2.1"));
  EXPECT_FALSE(is_own("sip:192.0.2.1;transport=tls"));
  EXPECT_TRUE(is_own("sips:192.0.2.1:5060"));
  EXPECT_TRUE(is_own("sips:a@192.0.2.2"));
  EXPECT_TRUE(is_own("sips:192.0.2.2;transport=tcp"));
  EXPECT_TRUE(is_own("sip:192.0.2.2;transport=TLS"));
  EXPECT_TRUE(is_own("sip:192.0.2.2:5061"));
  EXPECT_FALSE(is_own("sip:192.0.2.2"));
  EXPECT_FALSE(is_own("sips:192.0.2.2;transport=ws")) << "443";
}

TEST(own_names, what_is_no_host_is_refused_as_alias) {
  own_names names;
  for (const char* bad : {"", ":5060", "a b", "example.com:", "example.com:0", "example.com:99999",
                          "sip:example.com"})
    EXPECT_FALSE(names.add_alias(bad)) << bad;
}

} // namespace
} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/presence.hpp>
#include <tandem/xmpp/xml_reader.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp {
namespace {

TEST(presence, is_written_as_rfc6121_4_7_has_it) {
  EXPECT_EQ(write_presence({.is_available = true}, 7),
            "<presence xmlns='jabber:client' id='7'><priority>-1</priority></presence>");
  EXPECT_EQ(write_presence({.is_available = true,
                            .show = presence_show::away,
                            .status = "On the phone.",
                            .priority = 90},
                           8),
            "<presence xmlns='jabber:client' id='8'><show>away</show><status>On the "
            "phone.</status><priority>90</priority></presence>");
  EXPECT_EQ(write_presence({}, 9), "<presence xmlns='jabber:client' type='unavailable'/>");
}

// What a phone publishes as its note becomes text, whatever it is, and not too much of it.
TEST(presence, status_of_a_peer_is_escaped_and_cut_between_characters) {
  for (const std::string& note :
       {std::string{"</status><priority>127</priority>"}, std::string(5000, '<'),
        "a" + std::string(1200, '\xc3') + "\xa9"}) {
    const auto read = read_xml(write_presence({.is_available = true, .status = note}, 1));
    ASSERT_TRUE(read);
    ASSERT_EQ(read->children.size(), 2U);
    EXPECT_EQ(read->children[1].text, "-1");
    EXPECT_LE(read->children[0].text.size(), 3000U);
  }
  std::string umlauts = "a";
  for (int i = 0; i < 600; ++i) umlauts += "\xc3\xa9";
  const auto read = read_xml(write_presence({.is_available = true, .status = umlauts}, 1));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->children[0].text, umlauts.substr(0, 999));
}

TEST(presence_show, has_the_words_of_rfc6121_4_7_2_1) {
  for (const char* const word : {"", "away", "chat", "dnd", "xa"}) {
    const auto show = presence_show_of(word);
    ASSERT_TRUE(show) << word;
    EXPECT_EQ(to_string(*show), word);
  }
  EXPECT_FALSE(presence_show_of("idle"));
  EXPECT_FALSE(presence_show_of("Away"));
}

} // namespace
} // namespace tandem::xmpp

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/parsed_for_test.hpp>
#include <tandem/sip/received.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

using for_test::parsed;

socket_address address(std::string_view text) { return *socket_address::parse(text); }

/// A request with that value in its first Via line, and another line below.
message with_via(std::string_view value) {
  return parsed("INVITE sip:bob@biloxi.example SIP/2.0\r\nVia: " + std::string{value} +
                "\r\nv: SIP/2.0/TCP b.example;branch=z9hG4bKb,SIP/2.0/TCP c\r\n\r\n");
}

TEST(received, is_written_into_the_top_via_with_the_port_that_it_asks_for_rfc3581_4) {
  message msg = with_via("SIP/2.0/UDP host.example;branch=z9hG4bKa;rport");
  ASSERT_TRUE(stamp_received(msg, address("192.0.2.7:5099")));
  EXPECT_EQ(msg.header(0).value,
            "SIP/2.0/UDP host.example;branch=z9hG4bKa;rport=5099;received=192.0.2.7");
  // The top one, not the last; and no rport for whom did not ask.
  EXPECT_EQ(msg.header(1).value, "SIP/2.0/TCP b.example;branch=z9hG4bKb,SIP/2.0/TCP c");
  ASSERT_TRUE(msg.edit().pop_front(hdr::via));
  ASSERT_TRUE(stamp_received(msg, address("[2001:db8::1]:5099")));
  EXPECT_EQ(msg.header(0).value,
            "SIP/2.0/TCP b.example;branch=z9hG4bKb;received=2001:db8::1,SIP/2.0/TCP c");
}

TEST(received, replaces_what_the_sender_claims_of_its_own_address_rfc3261_18_2_1) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"SIP/2.0/UDP a;received=1.1.1.1;rport=\"\";x;rport;Received=2.2.2.2",
       "SIP/2.0/UDP a;rport=7;x;received=9.9.9.9"},
      {"SIP/2.0/UDP a", "SIP/2.0/UDP a;received=9.9.9.9"},
      {"SIP/2.0/UDP a ; branch = z ; rport = 5",
       "SIP/2.0/UDP a;branch = z;rport=7;received=9.9.9.9"},
  };
  for (const auto& [before, after] : cases) {
    message msg = with_via(before);
    ASSERT_TRUE(stamp_received(msg, address("9.9.9.9:7"))) << before;
    EXPECT_EQ(msg.top_via(), after);
  }
}

TEST(received, has_room_for_the_longest_address_and_port) {
  const std::string longest = "2001:db8:1111:2222:3333:4444:5555:6666";
  message msg = with_via("SIP/2.0/UDP a;rport");
  ASSERT_TRUE(stamp_received(msg, address("[" + longest + "]:65535")));
  EXPECT_EQ(msg.top_via(), "SIP/2.0/UDP a;rport=65535;received=" + longest);
}

TEST(received, needs_a_via_that_can_be_read) {
  message broken = with_via("SIP/2.0/UDP a;=x");
  EXPECT_EQ(stamp_received(broken, address("9.9.9.9:7")).error(), edit_errc::bad_value);
  broken.edit().erase(hdr::via);
  EXPECT_EQ(stamp_received(broken, address("9.9.9.9:7")).error(), edit_errc::no_such_header);
}

} // namespace
} // namespace tandem::sip

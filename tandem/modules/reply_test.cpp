// SPDX-License-Identifier: Apache-2.0
// The replies that the server makes itself, whoever asks for them: one shape, one To-tag.
#include <tandem/modules/script_fixture_for_test.hpp>

namespace tandem::modules::for_test {
namespace {

class replies : public script_fixture {};

TEST_F(replies, of_script_and_proxy_to_one_request_have_one_tag_rfc3261_8_2_7) {
  load_route(R"(if (method=="CANCEL") { t_relay(); break; }
                t_newtran(); t_reply("183", "wait"); t_relay();)");
  auto p = request("INVITE");
  receive(p);
  const std::string tag{take_parsed("183").to_tag()};
  EXPECT_EQ(tag.size(), 12U);
  answer(take("INVITE"), 180);
  EXPECT_EQ(take_parsed("180").to_tag(), "bob-1");
  p.method = "CANCEL";
  receive(p);
  EXPECT_EQ(take_parsed("200").to_tag(), tag); // 9.2
  take("CANCEL");
  out.advance(seconds{40}); // the branch never ends: the 408 is ours
  std::string last;
  while (!out.sent.empty()) last = out.take().text;
  EXPECT_EQ(parsed(last).to_tag(), tag) << last;
}

TEST_F(replies, without_a_transaction_are_acknowledged_by_their_tag_whatever_the_branch) {
  load_route(R"(sl_send_reply("404", "gone");)");
  auto p = request("INVITE");
  receive(p);
  receive(p);
  const std::string tag{take_parsed("404").to_tag()};
  EXPECT_EQ(take_parsed("404").to_tag(), tag); // to a copy the same one
  p.method = "ACK";
  p.to += ";tag=" + tag;
  receive(p);
  p.via += "other";
  receive(p);
  EXPECT_EQ(core->counters().absorbed_acks, 2U);
  EXPECT_EQ(core->counters().requests, 2U);
  p.to = "<sip:bob@example.com>;tag=another-tag1";
  receive(p);
  EXPECT_EQ(core->counters().requests, 3U); // for somebody else, so the script sees it
}

TEST_F(replies, have_their_lines_in_the_order_of_rfc3261_8_2_6_and_ours_behind) {
  load_route(R"(append_to_reply("X-A: 1\r\nX-B: 2\r\n"); sl_send_reply("302", "there");)",
             "\nserver_signature=yes\n");
  auto p = request("OPTIONS");
  p.more = "Timestamp: 7\r\nRecord-Route: <sip:h;lr>\r\n";
  p.to += ";tag=t";
  receive(p);
  EXPECT_EQ(out.take().text, "SIP/2.0 302 there\r\n"
                             "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKaaa1\r\n"
                             "From: <sip:alice@example.com>;tag=alice-1\r\n"
                             "To: <sip:bob@example.com>;tag=t\r\n"
                             "Call-ID: call-1@192.0.2.1\r\n"
                             "CSeq: 1 OPTIONS\r\n"
                             "Timestamp: 7\r\n"
                             "X-A: 1\r\n"
                             "X-B: 2\r\n"
                             "Server: Tandem/" TANDEM_VERSION "\r\n"
                             "Content-Length: 0\r\n\r\n");
}

TEST_F(replies, carry_no_line_that_a_peer_has_smuggled_in) {
  load_route(R"x(append_to_reply("X-A: $hdr(X-B)\r\n"); sl_send_reply("200", "$hdr(X-B)");)x");
  auto p = request("OPTIONS");
  p.more = "X-B: a\r\n b\r\n";
  receive(p);
  const auto reply = take_parsed("200");
  EXPECT_EQ(reply.reason(), "a   b"); // the fold of two bytes is two blanks
  EXPECT_EQ(reply.first("X-A"), "a   b");
}

} // namespace
} // namespace tandem::modules::for_test

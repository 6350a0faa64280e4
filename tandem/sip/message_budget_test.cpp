// SPDX-License-Identifier: Apache-2.0
// What receiving, editing and forwarding a message may allocate once the thread's store of blocks
// is warm: nothing. (Instructions are counted by the benches.)
#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/sip/build.hpp>
#include <tandem/sip/framer.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/received.hpp>
#include <tandem/sip/validate.hpp>

#include <gtest/gtest.h>

#include <string>

#ifdef TANDEM_COUNTS_ALLOCATIONS
namespace tandem::sip {
namespace {

std::string invite_of_900_bytes() {
  std::string text = "INVITE sip:bob@biloxi.example.com;transport=udp SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP p2.example.com:5060;branch=z9hG4bKp2.0a1b2c3d;rport\r\n"
                     "Via: SIP/2.0/UDP p1.example.com;branch=z9hG4bKp1;received=192.0.2.1\r\n"
                     "Via: SIP/2.0/TCP pc33.atlanta.example.com;branch=z9hG4bK776asdhds\r\n"
                     "Route: <sip:p3.example.com;lr>, <sip:p4.example.com;lr>\r\n"
                     "Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\n"
                     "Max-Forwards: 68\r\n"
                     "From: \"Alice\" <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
                     "To: Bob <sip:bob@biloxi.example.com>\r\n"
                     "Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n"
                     "CSeq: 314159 INVITE\r\n"
                     "Contact: <sip:alice@pc33.atlanta.example.com>\r\n"
                     "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\n"
                     "Supported: replaces, timer\r\n"
                     "User-Agent: phone/1.0\r\n"
                     "Content-Type: application/sdp\r\n"
                     "Content-Length: ";
  const std::string sdp =
      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
      "m=audio 4000 RTP/AVP 0\r\n";
  return text + std::to_string(sdp.size()) + "\r\n\r\n" + sdp;
}

/// One turn of a proxy: receive, check, edit for two branches, write, answer, all over.
void proxy_once(framer& in, const std::string& text) {
  in.feed(text);
  frame f = in.next();
  ASSERT_EQ(f.kind, frame_kind::message);
  auto msg = message::parse(std::move(f.block), f.size);
  ASSERT_TRUE(msg && msg->key() && !validate(*msg, role::proxy));
  ASSERT_TRUE(stamp_received(*msg, {ip_address::v4(192, 0, 2, 77), 5062}));
  ASSERT_TRUE(msg->edit().pop_front(hdr::route));
  const auto trying = make_response(*msg, 100);
  ASSERT_TRUE(trying);
  const auto wire = trying->to_block();
  for (int branch = 0; branch < 2; ++branch) {
    message copy = msg->clone();
    ASSERT_TRUE(copy.edit().set_request_uri("sip:bob@192.0.2.4:5066"));
    ASSERT_TRUE(decrement_max_forwards(copy));
    ASSERT_TRUE(copy.edit().put_front(hdr::record_route, "<sip:192.0.2.9;lr;ftag=1928301774>"));
    ASSERT_TRUE(
        copy.edit().put_front(hdr::via, "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK0123456789abcdef"));
    ASSERT_TRUE(copy.to_block().first);
  }
}

TEST(message_budget, allocates_nothing_to_receive_edit_and_forward) {
  const std::string text = invite_of_900_bytes();
  framer in;
  for (int warm = 0; warm < 3; ++warm) ASSERT_NO_FATAL_FAILURE(proxy_once(in, text));
  const std::size_t before = tandem::for_test::allocations;
  for (int i = 0; i < 100; ++i) proxy_once(in, text);
  EXPECT_EQ(tandem::for_test::allocations - before, 0u);
}

} // namespace
} // namespace tandem::sip
#endif

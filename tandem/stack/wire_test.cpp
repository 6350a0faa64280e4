// SPDX-License-Identifier: Apache-2.0
// What leaves has a length that is right, whatever came (RFC 3261 18.3, 20.14).
#include <tandem/sip/message_editor.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/wire.hpp>

namespace tandem::stack {
namespace {

/// A request whose Content-Length lines are these, with that many bytes of body behind them.
sip::message with_length(std::string_view lines, std::string_view body) {
  std::string text = for_test::request_text({});
  const auto at = text.find("Content-Length: 0\r\n");
  text.replace(at, 19, lines);
  auto parsed = sip::message::parse(text + std::string{body});
  EXPECT_TRUE(parsed);
  return std::move(*parsed);
}

TEST(wire, of_a_message_without_content_length_has_that_of_its_body) {
  // A datagram ends where it ends; on a stream this body would be the next message.
  const sip::message came = with_length("", "BYE sip:x@y SIP/2.0\r\n\r\n");
  const auto sent = sip::message::parse(to_wire(came).bytes());
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->first(sip::header_id::content_length), "23");
  EXPECT_EQ(sent->body(), "BYE sip:x@y SIP/2.0\r\n\r\n");
  EXPECT_FALSE(came.has(sip::header_id::content_length)) << "the message itself is as before";
}

TEST(wire, leaves_out_what_a_datagram_holds_beyond_its_content_length) {
  const auto sent = to_wire(with_length("Content-Length: 2\r\n", "abcdef"));
  EXPECT_TRUE(sent.bytes().ends_with("\r\n\r\nab"));
}

TEST(wire, has_one_content_length_whatever_was_edited) {
  sip::message m = with_length("Content-Length: 2\r\n", "ab");
  ASSERT_TRUE(m.edit().append(sip::header_id::content_length, "0"));
  const auto two = sip::message::parse(to_wire(m).bytes());
  ASSERT_TRUE(two);
  EXPECT_EQ(two->count(sip::header_id::content_length), 1U);
  EXPECT_EQ(two->body(), "ab");
  ASSERT_TRUE(m.edit().put(sip::header_id::content_length, "1"));
  EXPECT_TRUE(to_wire(m).bytes().ends_with("\r\n\r\nab"));
  EXPECT_EQ(sip::message::parse(to_wire(m).bytes())->first(sip::header_id::content_length), "2");
  m.edit().erase(sip::header_id::content_length);
  EXPECT_EQ(sip::message::parse(to_wire(m).bytes())->first(sip::header_id::content_length), "2");
}

} // namespace
} // namespace tandem::stack

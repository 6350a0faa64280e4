// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/build.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/parsed_for_test.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem::sip {
namespace {

using for_test::parsed;

const std::string invite = "INVITE sip:bob@biloxi.example SIP/2.0\r\n"
                           "Record-Route: <sip:p2;lr>\r\n"
                           "v: SIP/2.0/UDP p2;branch=z9hG4bK2\r\n"
                           "Via: SIP/2.0/UDP p1;branch=z9hG4bK1, SIP/2.0/UDP ua;branch=z9hG4bK0\r\n"
                           "Route: <sip:p3;lr>\r\n"
                           "Require: 100rel\r\n"
                           "r-r: no\r\n"
                           "Record-Route: <sip:p1;lr>\r\n"
                           "t: Bob <sip:bob@biloxi.example>\r\n"
                           "From: \"A\" <sip:a@b>;tag=1\r\n"
                           "i: call@x\r\n"
                           "Timestamp: 54\r\n"
                           "CSeq: 00314 INVITE\r\n"
                           "Content-Type: text/plain\r\n"
                           "Content-Length: 2\r\n\r\nhi";

TEST(builder, writes_a_message_that_parses_to_itself) {
  auto built = message_builder::request(method::message, "sip:a@b;transport=tcp")
                   .add(hdr::via, "SIP/2.0/UDP x;branch=z9hG4bKq")
                   .add("X-Custom", {std::string_view{"a"}, ", ", "b "})
                   .body("text/plain", "gr\xc3\xbc\xc3\x9f")
                   .finish();
  ASSERT_TRUE(built);
  const std::string text = "MESSAGE sip:a@b;transport=tcp SIP/2.0\r\n"
                           "Via: SIP/2.0/UDP x;branch=z9hG4bKq\r\n"
                           "X-Custom: a, b \r\n"
                           "Content-Type: text/plain\r\n"
                           "Content-Length: 6\r\n\r\ngr\xc3\xbc\xc3\x9f";
  EXPECT_EQ(built->to_string(), text);
  const message again = parsed(text);
  ASSERT_EQ(built->header_count(), again.header_count());
  for (std::size_t i = 0; i < again.header_count(); ++i) {
    EXPECT_EQ(built->header(i).id, again.header(i).id);
    EXPECT_EQ(built->header(i).name, again.header(i).name);
    EXPECT_EQ(built->header(i).value, again.header(i).value);
  }
  EXPECT_EQ(built->method(), method::message);
  EXPECT_EQ(built->request_uri(), "sip:a@b;transport=tcp");
  EXPECT_EQ(built->version(), "SIP/2.0");
  EXPECT_EQ(built->body(), again.body());
  ASSERT_TRUE(built->edit().put_front(hdr::via, "SIP/2.0/UDP y"));
  EXPECT_EQ(built->top_via(), "SIP/2.0/UDP y");
}

TEST(builder, refuses_what_would_not_be_a_message) {
  const auto ok = [](message_builder b) { return b.finish().has_value(); };
  EXPECT_TRUE(ok(message_builder::request("INFO", "sip:a")));
  EXPECT_FALSE(ok(message_builder::request("IN FO", "sip:a")));
  EXPECT_FALSE(ok(message_builder::request("", "sip:a")));
  EXPECT_FALSE(ok(message_builder::request("INFO", "sip:a b")));
  EXPECT_FALSE(ok(message_builder::request("INFO", "a")));
  auto b = message_builder::request("INFO", "sip:a");
  EXPECT_EQ(b.add(hdr::subject, "a\r\nb").add("X", "y").finish().error(), edit_errc::unsafe_text);
  auto n = message_builder::request("INFO", "sip:a");
  EXPECT_EQ(n.add("X Y", "y").finish().error(), edit_errc::bad_name);
  auto l = message_builder::request("INFO", "sip:a");
  EXPECT_EQ(l.add("X", std::string(70'000, 'x')).finish().error(), edit_errc::too_large);
}

TEST(builder, holds_messages_of_every_size) {
  for (std::size_t size = 0; size < 5000; size += 37) {
    auto b = message_builder::request("INFO", "sip:a");
    b.add("X", std::string(size, 'x'));
    const auto msg = b.body("t/t", std::string(size, 'y')).finish();
    ASSERT_TRUE(msg);
    EXPECT_EQ(parsed(msg->to_string()).body().size(), size);
    EXPECT_EQ(msg->first("X")->size(), size);
  }
}

TEST(make_response, copies_what_rfc_3261_8_2_6_names_in_its_order) {
  const auto ok = make_response(parsed(invite), 200, {}, "T");
  ASSERT_TRUE(ok);
  EXPECT_EQ(ok->to_string(),
            "SIP/2.0 200 OK\r\n"
            "Via: SIP/2.0/UDP p2;branch=z9hG4bK2\r\n"
            "Via: SIP/2.0/UDP p1;branch=z9hG4bK1, SIP/2.0/UDP ua;branch=z9hG4bK0\r\n"
            "Record-Route: <sip:p2;lr>\r\n"
            "Record-Route: <sip:p1;lr>\r\n"
            "From: \"A\" <sip:a@b>;tag=1\r\n"
            "To: Bob <sip:bob@biloxi.example>;tag=T\r\n"
            "Call-ID: call@x\r\n"
            "CSeq: 00314 INVITE\r\n"
            "Timestamp: 54\r\n"
            "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(ok->to_tag(), "T");
}

TEST(make_response, gives_the_to_a_tag_above_100_only_when_it_has_none) {
  // Defect 6 of the library seed: 101 to 199 had no tag.
  EXPECT_EQ(make_response(parsed(invite), 100, {}, "T")->to_tag(), "");
  EXPECT_EQ(make_response(parsed(invite), 180, {}, "T")->to_tag(), "T");
  message again = parsed(invite);
  ASSERT_TRUE(again.edit().put(hdr::to, "<sip:b@c>;TAG=own"));
  EXPECT_EQ(make_response(again, 200, {}, "T")->first(hdr::to), "<sip:b@c>;TAG=own");
  // Without brackets the parameter is the header's, not the URI's (RFC 3261 20).
  ASSERT_TRUE(again.edit().put(hdr::to, "sip:b@c"));
  EXPECT_EQ(make_response(again, 200, {}, "T")->to_tag(), "T");
}

TEST(make_response, copies_record_route_only_where_a_dialog_may_form) {
  EXPECT_FALSE(make_response(parsed(invite), 404, {}, "T")->has(hdr::record_route));
  EXPECT_FALSE(make_response(parsed(invite), 100)->has(hdr::record_route));
  EXPECT_EQ(make_response(parsed(invite), 183, {}, "T")->count(hdr::record_route), 2u);
  std::string options = invite;
  options.replace(0, 6, "OPTIONS");
  EXPECT_FALSE(make_response(parsed(options), 200, {}, "T")->has(hdr::record_route));
}

TEST(make_response, copies_timestamp_into_every_response) {
  for (const int status : {100, 180, 200, 486})
    EXPECT_EQ(make_response(parsed(invite), status, {}, "T")->first(hdr::timestamp), "54");
}

TEST(make_ack, follows_rfc_3261_17_1_1_3) {
  const message sent = parsed(invite);
  const auto busy = make_response(sent, 486, {}, "T");
  const auto ack = make_ack(sent, *busy);
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->to_string(), "ACK sip:bob@biloxi.example SIP/2.0\r\n"
                              "Via: SIP/2.0/UDP p2;branch=z9hG4bK2\r\n"
                              "Route: <sip:p3;lr>\r\n"
                              "Max-Forwards: 70\r\n"
                              "From: \"A\" <sip:a@b>;tag=1\r\n"
                              "To: Bob <sip:bob@biloxi.example>;tag=T\r\n"
                              "Call-ID: call@x\r\n"
                              "CSeq: 00314 ACK\r\n"
                              "Content-Length: 0\r\n\r\n");
}

TEST(make_cancel, follows_rfc_3261_9_1) {
  const auto cancel = make_cancel(parsed(invite));
  ASSERT_TRUE(cancel);
  EXPECT_EQ(cancel->to_string(), "CANCEL sip:bob@biloxi.example SIP/2.0\r\n"
                                 "Via: SIP/2.0/UDP p2;branch=z9hG4bK2\r\n"
                                 "Route: <sip:p3;lr>\r\n"
                                 "Max-Forwards: 70\r\n"
                                 "From: \"A\" <sip:a@b>;tag=1\r\n"
                                 "To: Bob <sip:bob@biloxi.example>\r\n"
                                 "Call-ID: call@x\r\n"
                                 "CSeq: 00314 CANCEL\r\n"
                                 "Content-Length: 0\r\n\r\n");
  EXPECT_FALSE(make_cancel(parsed("INVITE sip:a SIP/2.0\r\nCall-ID: 1\r\n\r\n")));
}

TEST(make_response, fails_rather_than_answer_with_a_line_that_is_not_one) {
  using namespace std::string_view_literals;
  const message msg = parsed("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\0b\r\n\r\n"sv);
  EXPECT_EQ(make_response(msg, 400).error(), edit_errc::unsafe_text);
}

} // namespace
} // namespace tandem::sip

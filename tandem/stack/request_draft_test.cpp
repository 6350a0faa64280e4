// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/request_draft.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/stack/messages_for_test.hpp>

#include <array>

namespace tandem::stack {
namespace {

constexpr std::string_view who = "From: sip:a@example.com\nTo: sip:b@example.com\n";

request_draft draft_of(std::string_view headers, std::string_view body = {}) {
  return {.method = "MESSAGE",
          .uri = "sip:b@example.com",
          .headers = headers,
          .body = body,
          .software = "Test/1"};
}

// RFC 3261 8.1.1
TEST(request_draft, what_every_request_has_is_added_where_it_was_not_given) {
  const auto made = make_own_request(draft_of(who));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->method_text(), "MESSAGE");
  EXPECT_EQ(made->request_uri(), "sip:b@example.com");
  EXPECT_EQ(made->from_tag().size(), 16U);
  EXPECT_EQ(made->first(sip::header_id::to), "sip:b@example.com");
  EXPECT_EQ(made->call_id().size(), 32U);
  EXPECT_EQ(made->first(sip::header_id::cseq), "1 MESSAGE");
  EXPECT_EQ(made->first(sip::header_id::max_forwards), "70");
  EXPECT_EQ(made->first(sip::header_id::user_agent), "Test/1");
  EXPECT_EQ(made->first(sip::header_id::content_length), "0");
  EXPECT_FALSE(made->has(sip::header_id::contact));
  const auto other = make_own_request(draft_of(who));
  ASSERT_TRUE(other);
  EXPECT_NE(other->from_tag(), made->from_tag());
  EXPECT_NE(other->call_id(), made->call_id());
}

TEST(request_draft, what_was_given_stays_in_its_order_and_with_its_names) {
  const auto made =
      make_own_request(draft_of("x: y\r\nf: <sip:a@example.com>;tag=1\r\nt: sip:b@x;tag=2\n"
                                "i: call-7\nCSeq: 42 MESSAGE\nMax-Forwards: 3\n"
                                "User-Agent: mine\nRoute: <sip:p;lr>\nRoute: <sip:q;lr>\n"
                                "c: text/plain",
                                "a\r\n"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->to_string(), "MESSAGE sip:b@example.com SIP/2.0\r\nx: y\r\n"
                               "f: <sip:a@example.com>;tag=1\r\nt: sip:b@x;tag=2\r\n"
                               "i: call-7\r\nCSeq: 42 MESSAGE\r\nMax-Forwards: 3\r\n"
                               "User-Agent: mine\r\nRoute: <sip:p;lr>\r\nRoute: <sip:q;lr>\r\n"
                               "c: text/plain\r\nContent-Length: 3\r\n\r\na\r\n");
}

TEST(request_draft, what_cannot_be_sent_is_refused_with_its_reason) {
  struct row {
    std::string_view headers, body, why;
  };
  using namespace std::string_view_literals;
  const auto rows = std::to_array<row>({
      {"", "", "HFs unparseable"},
      {"To: sip:b@x\n", "", "From missing"},
      {"From: sip:a@x\n", "", "To missing"},
      {"From: <sip:a@x\nTo: sip:b@x\n", "", "Error in From"},
      {"From: sip:a@x\nTo: <sip:b@x\n", "", "HFs unparseable"},
      {"From: sip:a@x\nFrom: sip:c@x\nTo: sip:b@x\n", "", "HFs unparseable"},
      {"From: sip:a@x\nf: sip:c@x\nTo: sip:b@x\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nCSeq: x MESSAGE\n", "", "non-nummerical CSeq"},
      {"From: sip:a@x\nTo: sip:b@x\nCSeq: 1 INVITE\n", "", "CSeq method mismatch"},
      {"From: sip:a@x\nTo: sip:b@x\n", "text", "Content-Type missing"},
      {"From: sip:a@x\nTo: sip:b@x\nContent-Length: 4\n", "", "Content-Length disallowed"},
      {"From: sip:a@x\nTo: sip:b@x\nl: 4\n", "", "Content-Length disallowed"},
      {"From: sip:a@x\nTo: sip:b@x\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nv: SIP/2.0/UDP x;branch=z9hG4bK1\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nno header\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nbad name: y\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\n X: folded\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nX: a\rVia: b\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nX: a\0b\n"sv, "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\n\nX: behind an empty line\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nContact: <sip:a@!!\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@!!\n", "", "HFs unparseable"},
      {"From: sip:a@x\nTo: sip:b@x\nMax-Forwards: many\n", "", "HFs unparseable"},
  });
  for (const row& each : rows) {
    const auto made = make_own_request(draft_of(each.headers, each.body));
    EXPECT_FALSE(made) << each.headers;
    if (!made) {
      EXPECT_EQ(to_string(made.error()), each.why) << each.headers;
    }
  }
  for (const std::string_view method : {"", "IN VITE", "ACK", "CANCEL", "A\r\nB"})
    EXPECT_EQ(make_own_request({.method = method, .uri = "sip:b@x", .headers = who}).error(),
              draft_errc::bad_method);
  for (const std::string_view uri : {"", "sip:", "b@x", "sip:b@x SIP/2.0\r\nX: y", "<sip:b@x>"})
    EXPECT_EQ(make_own_request({.method = "OPTIONS", .uri = uri, .headers = who}).error(),
              draft_errc::bad_uri)
        << uri;
  const std::string typed = std::string{who} + "c: a/b\n";
  EXPECT_EQ(make_own_request(draft_of(typed, std::string(65'500, 'x'))).error(),
            draft_errc::too_large);
  EXPECT_EQ(make_own_request(draft_of(typed, std::string(200'000, 'x'))).error(),
            draft_errc::too_large);
}

TEST(request_draft, the_own_address_stands_with_its_port_where_it_was_asked_for) {
  auto made = make_own_request({.method = "INVITE",
                                .uri = "sip:b@x",
                                .headers = "From: \"!!\" <sip:a@x>\nTo: sip:b@x\nCall-ID: !!\n"
                                           "X: !! and !!\n"});
  ASSERT_TRUE(made);
  auto six = made->clone();
  ASSERT_TRUE(put_own_address(*made, "192.0.2.1", 5060));
  EXPECT_EQ(made->first("X"), "192.0.2.1:5060 and 192.0.2.1:5060");
  EXPECT_EQ(made->call_id(), "!!");
  EXPECT_TRUE(made->first(sip::header_id::from)->starts_with("\"!!\" "));
  EXPECT_EQ(made->first(sip::header_id::contact), "<sip:192.0.2.1:5060>");
  ASSERT_TRUE(put_own_address(six, "[2001:db8::1]", 5061));
  EXPECT_EQ(six.first(sip::header_id::contact), "<sip:[2001:db8::1]:5061>");
  auto ported = make_own_request(draft_of(std::string{who} + "X: !!\n"));
  ASSERT_TRUE(ported && put_own_address(*ported, "192.0.2.1:5070", 5060));
  EXPECT_EQ(ported->first("X"), "192.0.2.1:5070");
}

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// Requests are matched as they were received, whatever a script has made of them since.
#include <tandem/sip/message_editor.hpp>
#include <tandem/stack/proxy_for_test.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;

/// Rewrites all that a phone of RFC 2543 is matched by.
void rewrite(sip::message& request) {
  EXPECT_TRUE(request.edit().set_request_uri("sip:somebody-else@192.0.2.2:5070"));
  EXPECT_TRUE(request.edit().put(sip::header_id::from, "<sip:other@example.com>;tag=other"));
  EXPECT_TRUE(request.edit().put(sip::header_id::to, "<sip:another@example.com>"));
}

struct sender {
  const char* via;
  const char* name;
};

class requests_of : public ::testing::TestWithParam<sender> {
 protected:
  requests_of() {
    parts.via = GetParam().via;
    t.edit = rewrite;
  }
  request_parts parts;
  proxy_fixture t;
};

// RFC 3261 17.2.3
TEST_P(requests_of, are_absorbed_as_copies_although_the_script_rewrote_the_first) {
  t.receive(parts);
  EXPECT_EQ(t.sent(), "100 INVITE");
  t.receive(parts);
  EXPECT_EQ(t.sent(), "100") << "the last response once more";
  EXPECT_EQ(t.layer.counters().absorbed, 1U);
}

// RFC 3261 17.2.1, 17.2.3
TEST_P(requests_of, are_acknowledged_although_the_script_rewrote_them) {
  t.receive(parts);
  t.take("100");
  t.answer(t.take("INVITE"), 486);
  EXPECT_EQ(t.sent(), "ACK 486");
  request_parts ack = parts;
  ack.method = "ACK";
  ack.to += ";tag=bob-1";
  t.receive(ack);
  EXPECT_EQ(t.sent(), "");
  t.out.advance(seconds{4});
  EXPECT_EQ(t.sent(), "") << "the 486 is not repeated, so the ACK was taken for its own";
}

// RFC 3261 9.2
TEST_P(requests_of, are_found_by_their_cancel_although_the_script_rewrote_both) {
  t.receive(parts);
  t.take("100");
  const auto sent = t.take("INVITE");
  t.answer(sent, 180);
  t.take("180");
  request_parts cancel = parts;
  cancel.method = "CANCEL";
  t.receive(cancel);
  EXPECT_EQ(t.sent(), "200 CANCEL");
  t.receive(cancel);
  EXPECT_EQ(t.sent(), "200") << "a copy of the CANCEL is absorbed too";
}

INSTANTIATE_TEST_SUITE_P(
    senders, requests_of,
    ::testing::Values(sender{"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKaaa1", "rfc_3261"},
                      sender{"SIP/2.0/UDP 192.0.2.1", "rfc_2543_without_branch"},
                      sender{"SIP/2.0/UDP 192.0.2.1;branch=1", "rfc_2543_with_one"}),
    [](const auto& row) { return std::string{row.param.name}; });

// RFC 3261 9.1: the callee chose that URI, and with it whatever parameters.
TEST(own_cancel, is_matched_by_its_via_and_not_by_a_branch_in_its_request_uri) {
  proxy_fixture t;
  t.ways = {{"sip:bob@192.0.2.2;branch=z9hG4bKother", {target_at("192.0.2.2")}}};
  t.receive({});
  t.take("100");
  const auto invite = t.take("INVITE");
  t.answer(invite, 180);
  t.take("180");
  request_parts cancel;
  cancel.method = "CANCEL";
  t.receive(cancel);
  t.take("200");
  const auto sent = t.take("CANCEL");
  EXPECT_EQ(parsed(sent.text).key()->branch, parsed(invite.text).key()->branch);
  t.answer(sent, 200);
  EXPECT_EQ(t.layer.counters().stray_responses, 0U);
  t.out.advance(seconds{10});
  EXPECT_EQ(t.sent(), "") << "an answered CANCEL is not repeated";
}

TEST(icmp_errors, are_matched_by_the_via_that_they_quote_and_not_by_a_branch_in_a_uri) {
  for (const bool has_route : {false, true}) {
    proxy_fixture t;
    t.ways = {{"sip:bob@192.0.2.2;branch=z9hG4bKother", {target_at("192.0.2.2")}}};
    request_parts p;
    if (has_route) p.more = "Route: <sip:192.0.2.2;lr;branch=z9hG4bKroute>\r\n";
    t.receive(p);
    t.take("100");
    const auto sent = t.take("INVITE");
    t.layer.on_datagram_refused(sent.text);
    EXPECT_EQ(t.heard(), "failure 503 final 500 end");
  }
}

// RFC 3326 2
TEST(cancel, takes_all_its_reasons_along) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  t.answer(t.take("INVITE"), 180);
  t.take("180");
  request_parts cancel;
  cancel.method = "CANCEL";
  cancel.more = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"
                "Reason: Q.850;cause=26, preemption;cause=1\r\n";
  t.receive(cancel);
  t.take("200");
  const sip::message sent = parsed(t.take("CANCEL").text);
  ASSERT_EQ(sent.count("Reason"), 2U);
  EXPECT_EQ(sent.nth("Reason", 0), "SIP;cause=200;text=\"Call completed elsewhere\"");
  EXPECT_EQ(sent.nth("Reason", 1), "Q.850;cause=26, preemption;cause=1");
}

} // namespace
} // namespace tandem::stack

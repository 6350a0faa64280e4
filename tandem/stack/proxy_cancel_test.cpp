// SPDX-License-Identifier: Apache-2.0
// CANCEL at a proxy (RFC 3261 9.2, 16.10) in all its races, and loops against spirals (RFC 5393).
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/proxy_for_test.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;
using id = sip::header_id;

request_parts cancel_parts() {
  request_parts p;
  p.method = "CANCEL";
  return p;
}

struct ringing : proxy_fixture {
  ringing() {
    receive({});
    take("100");
    invite = take("INVITE");
    answer(invite, 180);
    take("180");
  }
  sent_message invite;
};

TEST(proxy_cancel, is_answered_200_and_goes_to_the_ringing_branch) {
  ringing t;
  request_parts p = cancel_parts();
  p.more = "Reason: SIP;cause=600\r\n";
  t.receive(p);
  EXPECT_TRUE(t.take("200").text.starts_with("SIP/2.0 200 cancelling\r\n"));
  const auto cancel = t.take("CANCEL");
  EXPECT_EQ(parsed(cancel.text).key()->branch, parsed(t.invite.text).key()->branch);
  EXPECT_EQ(parsed(cancel.text).first(id::reason), "SIP;cause=600");
  t.answer(cancel, 200);
  EXPECT_EQ(t.sent(), "");
  t.answer(t.invite, 487);
  EXPECT_EQ(t.sent(), "ACK 487");
  EXPECT_EQ(t.heard(), "failure 487 final 487 end") << "the script sees it";
}

TEST(proxy_cancel, a_487_that_lost_the_callers_via_still_ends_the_call) {
  ringing t;
  t.receive(cancel_parts());
  EXPECT_EQ(t.sent(), "200 CANCEL");
  std::string text = answer_text(t.invite.text, 487, "bob-1", "");
  const auto second = text.find("Via:", text.find("Via:") + 1);
  ASSERT_NE(second, std::string::npos);
  text.erase(second, text.find("\r\n", second) + 2 - second);
  auto m = parsed(text);
  t.layer.receive_response(m, arrived_from(t.invite.to.address.to_string()));
  EXPECT_EQ(t.sent(), "ACK 487") << "made here, from the request";
}

TEST(proxy_cancel, waits_for_a_branch_that_has_not_answered) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto invite = t.take("INVITE");
  t.receive(cancel_parts());
  EXPECT_EQ(t.sent(), "200");
  t.answer(invite, 180);
  EXPECT_EQ(t.sent(), "CANCEL 180");
  t.answer(invite, 487);
  EXPECT_EQ(t.sent(), "ACK 487");
}

TEST(proxy_cancel, a_200_that_crosses_it_wins) {
  ringing t;
  t.receive(cancel_parts());
  EXPECT_EQ(t.sent(), "200 CANCEL");
  t.answer(t.invite, 200);
  EXPECT_EQ(t.sent(), "200");
  EXPECT_EQ(t.heard(), "final 200 end");
}

TEST(proxy_cancel, after_the_200_finds_nothing_to_cancel) {
  ringing t;
  t.answer(t.invite, 200);
  t.take("200");
  t.receive(cancel_parts());
  EXPECT_TRUE(t.take("200").text.starts_with("SIP/2.0 200 ok -- no more pending branches\r\n"));
  EXPECT_EQ(t.sent(), "");
}

TEST(proxy_cancel, silence_for_64_t1_ends_in_a_487_of_ours) {
  ringing t;
  t.receive(cancel_parts());
  t.out.advance(seconds{31});
  EXPECT_EQ(t.sent().find("487"), std::string::npos);
  t.out.advance(seconds{2});
  EXPECT_NE(t.sent().find("487"), std::string::npos);
  EXPECT_EQ(t.heard(), "failure 487 final 487 end");
}

TEST(proxy_cancel, no_branch_is_added_after_it) {
  ringing t;
  t.on_failed = [&](context_handle c, int) {
    const auto added = t.relay(c, t.core.request_of(c));
    EXPECT_EQ(added.error(), forward_errc::cancelled);
    return failure_verdict::decided;
  };
  t.receive(cancel_parts());
  t.sent();
  t.answer(t.invite, 487);
  EXPECT_EQ(t.sent(), "ACK 487");
}

TEST(proxy_cancel, each_branch_of_a_fork_is_cancelled_and_one_487_goes_back) {
  proxy_fixture t;
  t.ways = {{"sip:a@192.0.2.2", {target_at("192.0.2.2")}},
            {"sip:b@192.0.2.3", {target_at("192.0.2.3")}}};
  t.receive({});
  t.take("100");
  const auto a = t.take("INVITE");
  const auto b = t.take("INVITE");
  t.answer(a, 180);
  t.take("180");
  t.receive(cancel_parts());
  EXPECT_EQ(t.sent(), "200 CANCEL");
  t.answer(b, 180);
  EXPECT_EQ(t.sent(), "CANCEL 180");
  t.answer(a, 487);
  EXPECT_EQ(t.sent(), "ACK");
  t.answer(b, 487);
  EXPECT_EQ(t.sent(), "ACK 487");
}

// RFC 3261 16.7 step 5, and a 487 that we made ourselves.
TEST(proxy_cancel, a_2xx_after_the_487_still_goes_upstream) {
  ringing t;
  t.receive(cancel_parts());
  t.answer(t.invite, 487);
  t.sent();
  t.answer(t.invite, 200);
  EXPECT_EQ(t.sent(), "200");
}

TEST(proxy_loop, the_same_request_through_us_again_is_482) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  // The next hop sends it back with its own Via on top and the Request-URI as we received it.
  std::string back = sent.text;
  back.insert(back.find("Via: "), "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKback\r\n");
  t.receive_text(back);
  ASSERT_FALSE(t.relayed);
  EXPECT_EQ(t.relayed.error(), forward_errc::loop);
  EXPECT_EQ(t.sent(), "482");
}

// RFC 3261 7.3.1: the hops behind us may write all Vias into one line.
TEST(proxy_loop, is_found_behind_other_vias_of_the_same_line) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  std::string back = t.take("INVITE").text;
  back.insert(back.find("Via: ") + 5, "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKz9hG4bK.back, ");
  t.receive_text(back);
  ASSERT_FALSE(t.relayed);
  EXPECT_EQ(t.relayed.error(), forward_errc::loop);
}

TEST(proxy_loop, a_spiral_comes_back_with_another_request_uri_and_passes) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  std::string back = t.take("INVITE").text;
  back.insert(back.find("Via: "), "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKback\r\n");
  back.replace(back.find("sip:bob@192.0.2.2"), 17, "sip:carol@example");
  t.receive_text(back);
  EXPECT_TRUE(t.relayed);
  EXPECT_EQ(t.sent(), "100 INVITE");
}

TEST(proxy_loop, a_fork_upstream_reaches_us_twice_and_passes) {
  proxy_fixture t;
  request_parts p;
  p.via = "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKfork1";
  p.more = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKalice\r\n";
  t.receive(p);
  p.via = "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKfork2";
  t.receive(p);
  EXPECT_TRUE(t.relayed);
  EXPECT_EQ(t.sent(), "100 INVITE 100 INVITE");
}

TEST(proxy_loop, more_branches_than_the_breadth_allows_are_440) {
  proxy_fixture t;
  t.ways.assign(3, {"sip:bob@192.0.2.2", {target_at("192.0.2.2")}});
  request_parts p;
  p.more = "Max-Breadth: 2\r\n";
  t.receive(p);
  EXPECT_EQ(t.relayed.error(), forward_errc::breadth);
  EXPECT_EQ(t.sent(), "440");
}

// RFC 3261 16.11, RFC 6026: only what we forwarded without a transaction comes back so.
TEST(proxy_stateless, a_response_is_forwarded_only_when_we_sent_its_request) {
  proxy_fixture t;
  const std::vector<target> to{target_at("192.0.2.2")};
  request_parts p;
  p.method = "OPTIONS";
  const sip::message request = make_request(p);
  const auto routing = routing_hash(request, t.layer.secret());
  ASSERT_TRUE(t.core.forward_stateless(request, arrived_from("192.0.2.1:5060"),
                                       {"sip:bob@192.0.2.2", to}, routing));
  const auto sent = t.take("OPTIONS");
  EXPECT_EQ(t.layer.size(), 0U);

  t.answer(sent, 200);
  const auto back = t.take("200");
  EXPECT_EQ(back.to.address, target_at("192.0.2.1").address);
  EXPECT_EQ(count_values(parsed(back.text), id::via), 1U);
  EXPECT_EQ(t.heard(), "stray");

  sent_message forged = sent;
  forged.text.replace(forged.text.find(";branch=z9hG4bK") + 15, 3, "xyz");
  t.answer(forged, 200);
  forged = sent;
  forged.text.replace(forged.text.find("192.0.2.1;"), 10, "192.0.2.9;");
  t.answer(forged, 200);
  EXPECT_EQ(t.heard(), "stray dropped") << "the first part only says how it was routed";
  EXPECT_EQ(t.sent(), "200");
}

} // namespace
} // namespace tandem::stack

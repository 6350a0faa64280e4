// SPDX-License-Identifier: Apache-2.0
// Responses that the user of the proxy holds while it thinks (proxy::pass): kept in order, never
// lost, and nothing they need ends before them.
#include <tandem/stack/proxy_for_test.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;

class held_replies : public ::testing::Test {
 protected:
  held_replies() { t.holds_replies = true; }

  /// A request is forwarded; what was sent is forgotten.
  sent_message forward(const std::string& method = "INVITE") {
    request_parts p;
    p.method = method;
    t.receive(p);
    if (method == "INVITE") t.take("100");
    return t.take(method);
  }
  /// The user has decided about the oldest one that it holds.
  void pass() {
    auto [branch, response] = std::move(t.held.front());
    t.held.pop_front();
    t.core.pass(branch, std::move(response));
    t.out.end_turn();
  }

  proxy_fixture t;
};

TEST_F(held_replies, go_upstream_when_the_user_has_decided_in_the_order_in_which_they_came) {
  const auto invite = forward();
  t.answer(invite, 180);
  t.answer(invite, 183);
  t.answer(invite, 200);
  EXPECT_EQ(t.sent(), "");
  EXPECT_EQ(t.held.size(), 1U) << "one at a time";
  pass();
  EXPECT_EQ(t.sent(), "180");
  pass();
  EXPECT_EQ(t.sent(), "183");
  EXPECT_EQ(t.heard(), "");
  pass();
  EXPECT_EQ(t.sent(), "200");
  EXPECT_EQ(t.heard(), "final 200 end");
  EXPECT_EQ(t.core.size(), 0U);
}

TEST_F(held_replies, of_one_branch_do_not_stop_those_of_another) {
  t.ways.push_back({"sip:bob@192.0.2.3", {target_at("192.0.2.3")}});
  const auto first = forward();
  const auto second = t.take("INVITE");
  t.answer(first, 486);
  t.answer(second, 404, "bob-2");
  EXPECT_EQ(t.sent(), "ACK ACK");
  EXPECT_EQ(t.held.size(), 2U);
  pass();
  EXPECT_EQ(t.heard(), "") << "16.7 step 6: the other branch has no final response yet";
  pass();
  EXPECT_EQ(t.heard(), "failure 404 final 404 end") << "of one class the newest is as good";
}

TEST_F(held_replies, are_not_lost_when_the_caller_cancels_meanwhile) {
  const auto invite = forward();
  t.answer(invite, 200);
  request_parts cancel;
  cancel.method = "CANCEL";
  t.receive(cancel);
  EXPECT_EQ(t.sent(), "200") << "for the CANCEL; the callee has answered already";
  pass();
  EXPECT_EQ(t.sent(), "200") << "RFC 3261 9.1, 16.7 step 5";
}

TEST_F(held_replies, of_other_requests_are_not_lost_either) {
  const auto message = forward("MESSAGE");
  t.answer(message, 200);
  t.out.advance(seconds{60});
  t.sent();
  EXPECT_EQ(t.core.size(), 1U);
  pass();
  EXPECT_EQ(t.core.size(), 0U);
  EXPECT_EQ(t.heard(), "final 200 end");
}

TEST_F(held_replies, that_crossed_the_timeout_of_their_branch_end_with_the_context) {
  const auto invite = forward();
  t.answer(invite, 180);
  t.out.advance(seconds{200}); // timer C
  t.answer(invite, 487);
  EXPECT_EQ(t.core.size(), 1U) << "nothing that is held loses its context";
  while (!t.held.empty()) pass();
  EXPECT_EQ(t.core.size(), 0U);
}

TEST_F(held_replies, wait_in_a_bounded_number_and_a_failure_always_finds_its_place) {
  const auto invite = forward();
  for (int i = 0; i < 100; ++i) t.answer(invite, 180);
  t.answer(invite, 486);
  EXPECT_EQ(t.layer.counters().refused, 91U) << "one is shown, eight wait";
  EXPECT_EQ(t.layer.counters().out_of_bytes, 0U);
  unsigned shown = 0;
  for (; !t.held.empty(); ++shown) pass();
  EXPECT_LT(shown, 20U);
  EXPECT_EQ(t.heard(), "failure 486 final 486 end");
}

TEST_F(held_replies, that_were_passed_already_are_no_replies_any_more) {
  const auto invite = forward();
  t.answer(invite, 180);
  const branch_handle branch = t.held.front().first;
  pass();
  t.core.pass(branch, parsed(answer_text(invite.text, 180, "bob-1")));
  EXPECT_EQ(t.sent(), "180");
}

} // namespace
} // namespace tandem::stack

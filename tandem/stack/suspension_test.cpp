// SPDX-License-Identifier: Apache-2.0
// Programs that wait: what is absorbed, held and queued meanwhile.
#include <tandem/stack/transactions_for_test.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;
using state = transaction_state;
using words = std::deque<std::string>;

struct suspended : transaction_fixture {
  explicit suspended(const transaction_limits& limits = {}) : transaction_fixture{limits} {
    server = suspend({});
  }
  server_handle suspend(const request_parts& p) {
    const auto made = layer.suspend(make_request(p), from_peer(), *this, {});
    EXPECT_TRUE(made);
    return made.value_or(server_handle{});
  }
  void receive(const request_parts& p) {
    auto m = make_request(p);
    layer.receive_request(m, from_peer());
    out.end_turn();
  }
  static request_parts other(const std::string& method, unsigned n) {
    request_parts p;
    p.method = method;
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother" + std::to_string(n);
    p.cseq = n;
    return p;
  }
};

// A silent defect of other stacks: two copies of a request met a transaction that was not there
// yet.
TEST(suspension, copies_of_the_request_are_absorbed) {
  suspended t;
  for (int i = 0; i < 5; ++i) t.receive({});
  EXPECT_TRUE(t.heard().empty());
  EXPECT_EQ(t.layer.counters().absorbed, 5U);
}

TEST(suspension, after_a_stateless_end_the_next_copy_runs_again) {
  suspended t;
  t.layer.resume(t.server);
  EXPECT_EQ(t.layer.size(), 0U);
  t.receive({});
  EXPECT_EQ(t.heard(), words{"INVITE"});
}

TEST(suspension, a_transaction_made_meanwhile_takes_the_reservation_over) {
  suspended t;
  const auto made = t.layer.create_server(make_request({}), t.from_peer(), t, {});
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, t.server);
  t.layer.resume(t.server);
  EXPECT_TRUE(t.respond(486));
  t.receive({});
  EXPECT_TRUE(t.heard().empty());
  EXPECT_EQ(t.out.sent.size(), 2U) << "the copy got the last response";
}

TEST(suspension, a_reservation_takes_no_final_response) {
  suspended t;
  EXPECT_FALSE(t.respond(200));
  EXPECT_TRUE(t.respond(100));
}

TEST(suspension, an_invite_that_waits_long_has_its_user_send_100) {
  suspended t;
  t.out.advance(milliseconds{200});
  EXPECT_EQ(t.heard(), words{"silence"});
}

TEST(suspension, a_cancel_is_held_and_its_copies_absorbed) {
  suspended t;
  request_parts cancel;
  cancel.method = "CANCEL";
  t.receive(cancel);
  t.receive(cancel);
  EXPECT_TRUE(t.heard().empty());
  ASSERT_TRUE(t.layer.create_server(make_request({}), t.from_peer(), t, {}));
  t.layer.resume(t.server);
  EXPECT_EQ(t.heard(), words{"cancelled"});
}

TEST(suspension, a_cancel_held_for_a_stateless_end_goes_to_the_core) {
  suspended t;
  request_parts cancel;
  cancel.method = "CANCEL";
  t.receive(cancel);
  t.layer.resume(t.server);
  EXPECT_EQ(t.heard(), words{"CANCEL"});
}

TEST(suspension, later_requests_of_the_call_wait_in_order_and_others_do_not) {
  suspended t;
  t.receive(suspended::other("BYE", 2));
  t.receive(suspended::other("BYE", 2));
  t.receive(suspended::other("INFO", 3));
  request_parts elsewhere = suspended::other("MESSAGE", 4);
  elsewhere.call_id = "another-call";
  t.receive(elsewhere);
  request_parts ack = suspended::other("ACK", 5);
  t.receive(ack);
  EXPECT_EQ(t.heard(), (words{"MESSAGE", "ACK"})) << "an ACK never waits";
  t.heard().clear();
  t.layer.resume(t.server);
  EXPECT_EQ(t.heard(), (words{"BYE", "INFO"}));
  EXPECT_EQ(t.layer.size(), 0U);
}

/// All that was sent is one 503 to the request of that number, which says when to come again.
void expect_one_refused(suspended& t, std::uint32_t cseq) {
  ASSERT_EQ(t.out.sent.size(), 1U);
  const sip::message refusal = parsed(t.out.take().text);
  EXPECT_EQ(refusal.status(), 503);
  EXPECT_EQ(refusal.first(sip::header_id::retry_after), "7");
  EXPECT_EQ(refusal.key()->cseq, cseq);
  EXPECT_FALSE(refusal.to_tag().empty());
}

TEST(suspension, the_queue_is_bounded_and_what_is_beyond_gets_503) {
  suspended t;
  t.layer.set_retry_after(seconds{7});
  ::testing::internal::CaptureStderr();
  for (unsigned n = 2; n < 11; ++n) t.receive(suspended::other("INFO", n));
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("there are 8 requests that wait for one call"), told.npos) << told;
  EXPECT_EQ(told.find("bytes"), told.npos) << told;
  EXPECT_EQ(t.layer.counters().refused, 1U);
  EXPECT_EQ(t.layer.counters().out_of_bytes, 0U);
  expect_one_refused(t, 10);
  t.layer.resume(t.server);
  EXPECT_EQ(t.heard().size(), 8U);
}

TEST(suspension, the_queue_is_bounded_in_bytes_which_is_counted_and_told_as_that) {
  transaction_limits limits;
  limits.kept.per_source = 20'000; // twice that for what was let in
  suspended t{limits};
  t.layer.set_retry_after(seconds{7});
  ::testing::internal::CaptureStderr();
  for (unsigned n = 2; n < 4; ++n) {
    request_parts p = suspended::other("INFO", n);
    p.body = std::string(30'000, 'x');
    t.receive(p);
  }
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("bytes of messages"), told.npos) << told;
  EXPECT_NE(told.find("for 192.0.2.1: more is refused"), told.npos) << told;
  EXPECT_EQ(told.find("there are"), told.npos) << told;
  EXPECT_EQ(t.layer.counters().refused, 0U);
  EXPECT_EQ(t.layer.counters().out_of_bytes, 1U);
  expect_one_refused(t, 3);
  t.layer.resume(t.server);
  EXPECT_EQ(t.heard(), words{"INFO"});
}

TEST(suspension, a_request_that_suspends_in_its_turn_holds_the_rest_up) {
  class suspends_info : public suspended {
   public:
    server_handle info;

   private:
    void on_request(sip::message& request, const arrival& from) override {
      note(std::string{request.method_text()});
      if (request.method() != sip::method::info) return;
      const auto made = layer.suspend(request, from, *this, {});
      EXPECT_TRUE(made);
      info = made.value_or(server_handle{});
    }
  } t;
  t.receive(suspended::other("INFO", 2));
  t.receive(suspended::other("BYE", 3));
  t.layer.resume(t.server);
  EXPECT_EQ(t.heard(), words{"INFO"});
  t.layer.resume(t.info);
  EXPECT_EQ(t.heard(), (words{"INFO", "BYE"}));
}

TEST(suspension, a_transaction_that_ends_while_its_program_runs_still_frees_the_queue) {
  suspended t;
  ASSERT_TRUE(t.layer.create_server(make_request({}), t.from_peer(), t, {}));
  EXPECT_TRUE(t.respond(486));
  t.receive(suspended::other("BYE", 2));
  t.out.advance(seconds{40}); // timer H
  EXPECT_EQ(t.heard(), words{"no_ack"});
  EXPECT_FALSE(t.respond(486));
  t.layer.resume(t.server);
  EXPECT_EQ(t.heard(), (words{"no_ack", "BYE"}));
  EXPECT_EQ(t.layer.size(), 0U);
}

TEST(suspension, programs_are_bounded) {
  suspended t{{.transactions = 100, .waiting_per_call = 8, .suspended = 1}};
  request_parts p;
  p.call_id = "another";
  p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKb";
  EXPECT_EQ(t.layer.suspend(make_request(p), t.from_peer(), t, {}).error(), transaction_errc::full);
}

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// core::wait: whatever becomes of a token, of the script and of the server meanwhile, a run goes on
// once, with the right value, or is gone.
#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/server/core_fixture_for_test.hpp>

#include <thread>

namespace tandem::server {
namespace {

using namespace for_test;

class core_wait : public routing_core {
 protected:
  /// A request whose script waits; the number tells its call from others.
  void suspend(unsigned call = 1) {
    auto p = request("OPTIONS");
    p.call_id = std::to_string(call) + "@192.0.2.1";
    p.via += "x" + std::to_string(call);
    receive(p);
  }
  static constexpr std::string_view answers =
      R"(if (wait()) answer(200, "yes"); else answer(500, "no");)";
};

TEST_F(core_wait, goes_on_with_what_the_answer_means) {
  load(answers);
  suspend();
  bring(-1);
  EXPECT_EQ(take("500").reason(), "no");
  suspend(2);
  bring(1);
  EXPECT_EQ(take("200").reason(), "yes");
}

TEST_F(core_wait, takes_a_token_that_is_destroyed_unanswered_as_no) {
  load(answers);
  suspend();
  waiting().clear();
  EXPECT_TRUE(out.sent.empty()) << "never from inside a destructor";
  settle();
  take("500");
  EXPECT_FALSE(core_->has_unanswered());
}

TEST_F(core_wait, counts_the_first_answer_only_whichever_copy_brings_it) {
  load(R"(if (wait()) answer(200, "yes"); else answer(500, "no"); wait(); answer(300, "end");)");
  suspend();
  const auto copy = waiting().front();
  bring(copy, 1);
  take("200");
  bring(waiting().front(), 1);
  bring(copy, 1);
  EXPECT_TRUE(out.sent.empty()) << "the second wait has a token of its own";
  bring(1);
  take("300");
}

TEST_F(core_wait, looks_at_an_answer_from_inside_the_function_when_that_has_returned) {
  load(R"(if (wait_answered()) note("yes"); note("end");)");
  shard.post([this] { suspend(); }); // on its thread an answer is not posted
  settle();
  EXPECT_EQ(notes(), (std::vector<std::string>{"decided after the function", "yes", "end"}));
  EXPECT_EQ(core_->counters().suspensions, 0U);
}

TEST_F(core_wait, lets_a_decision_wait_in_its_turn) {
  load(R"(if (wait_twice()) answer(200, "yes"); else answer(500, "no");)");
  suspend();
  bring(1);
  EXPECT_TRUE(out.sent.empty());
  bring(1);
  take("200");
}

TEST_F(core_wait, takes_a_function_that_waits_for_nothing_as_no) {
  load(R"(if (wait_for_nothing()) answer(200, "yes"); else answer(500, "no");)");
  suspend();
  take("500");
}

TEST_F(core_wait, forgets_the_token_of_a_function_that_did_not_wait_after_all) {
  load(R"(ask_and_leave(); if (wait()) answer(200, "yes"); else answer(500, "no");)");
  suspend();
  settle();
  EXPECT_TRUE(out.sent.empty());
  bring(1);
  take("200");
}

TEST_F(core_wait, ends_under_the_script_that_it_began_with) {
  load(R"(wait(); answer(200, "first");)");
  suspend();
  load(R"(answer(200, "second");)");
  bring(1);
  EXPECT_EQ(take("200").reason(), "first");
}

TEST_F(core_wait, brings_answers_in_any_order_each_to_its_run) {
  load(R"(wait(); answer(200, "$ci");)");
  for (unsigned call = 1; call <= 3; ++call) suspend(call);
  const auto tokens = waiting();
  for (const std::size_t i : {2U, 0U, 1U}) {
    bring(tokens[i], 1);
    EXPECT_EQ(take("200").reason(), std::to_string(i + 1) + "@192.0.2.1");
  }
}

TEST_F(core_wait, takes_answers_and_destroyed_tokens_from_any_thread) {
  load(answers);
  suspend(1);
  suspend(2);
  std::thread other{[tokens = std::exchange(waiting(), {})]() mutable {
    tokens[0](1);
    tokens.clear();
  }};
  other.join();
  EXPECT_TRUE(out.sent.empty()) << "the script runs on its shard only";
  settle();
  EXPECT_EQ(out.sent.size(), 2U);
  take("200");
  take("500");
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
TEST_F(core_wait, needs_no_memory_to_bring_an_answer_or_to_tell_that_there_is_none) {
  load(answers);
  suspend(1);
  suspend(2);
  auto tokens = std::exchange(waiting(), {});
  std::size_t made = 0;
  std::thread other{[&] {
    const std::size_t before = tandem::for_test::allocations;
    tokens[0](1);
    tokens.clear();
    made = tandem::for_test::allocations - before;
  }};
  other.join();
  EXPECT_EQ(made, 0U);
  settle();
  take("200");
  take("500");
}
#endif

TEST_F(core_wait, has_no_use_for_an_answer_after_the_core_is_gone) {
  load(answers);
  suspend(1);
  suspend(2);
  auto tokens = waiting();
  core_.reset();
  tokens[0](1);
  tokens.clear();
  settle();
  EXPECT_TRUE(out.sent.empty());
}

TEST_F(core_wait, goes_on_to_the_end_when_the_transaction_is_gone_meanwhile) {
  load(R"(wait(); note("end"); if (!answer(200, "OK")) note("nobody is there");)");
  suspend();
  // The caller gives up: the reservation of the request ends by its own timers.
  out.advance(seconds{120});
  bring(1);
  EXPECT_EQ(notes().front(), "end");
  EXPECT_FALSE(core_->has_unanswered());
}

} // namespace
} // namespace tandem::server

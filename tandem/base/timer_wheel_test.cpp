// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/timer_wheel.hpp>

#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <random>
#include <vector>

namespace tandem {
namespace {

struct probe final : timer {
  std::function<void(instant)> fired;
  void on_timer(instant now) override { fired(now); }
};

constexpr instant start{seconds{1000}};

TEST(timer_wheel, fires_at_or_after_its_moment_and_at_most_a_tick_late) {
  std::mt19937_64 random{4711};
  timer_wheel wheel{start};
  std::list<probe> timers;
  std::size_t fired = 0;
  instant present = start;
  for (int i = 0; i < 3000; ++i) {
    // From a millisecond to about twelve days, each magnitude alike.
    const auto magnitude = std::uniform_int_distribution<int>{0, 30}(random);
    const auto when = start + milliseconds{1} + milliseconds{random() % (1ULL << magnitude)};
    probe& p = timers.emplace_back();
    p.fired = [&fired, when, &present](instant at) {
      ++fired;
      EXPECT_GE(at, when);
      EXPECT_EQ(at, present);
      EXPECT_LT(at, when + timer_wheel::tick);
    };
    wheel.arm(p, when);
  }
  while (const auto next = wheel.next_due()) {
    ASSERT_GT(*next, present);
    present = *next;
    wheel.advance(present);
  }
  EXPECT_EQ(fired, timers.size());
}

TEST(timer_wheel, a_late_call_runs_all_that_is_due_in_order) {
  timer_wheel wheel{start};
  std::vector<int> order;
  std::list<probe> timers;
  for (const int ms : {70'000, 30, 5'000'000, 2600, 20}) {
    probe& p = timers.emplace_back();
    p.fired = [&order, ms](instant) { order.push_back(ms); };
    wheel.arm(p, start + milliseconds{ms});
  }
  wheel.advance(start + milliseconds{4'999'990});
  EXPECT_EQ(order, (std::vector{20, 30, 2600, 70'000}));
  wheel.advance(start + seconds{6000});
  EXPECT_EQ(order.back(), 5'000'000);
  EXPECT_FALSE(wheel.next_due());
}

TEST(timer_wheel, a_timer_may_arm_itself_and_destroy_its_neighbour) {
  timer_wheel wheel{start};
  auto neighbour = std::make_unique<probe>();
  neighbour->fired = [](instant) { FAIL() << "was destroyed"; };
  probe again;
  int runs = 0;
  again.fired = [&](instant now) {
    neighbour.reset();
    if (++runs < 3) wheel.arm(again, now + milliseconds{500});
  };
  wheel.arm(again, start + milliseconds{10});
  wheel.arm(*neighbour, start + milliseconds{10});
  wheel.advance(start + seconds{1});
  wheel.advance(start + seconds{2});
  wheel.advance(start + seconds{3});
  EXPECT_EQ(runs, 3);
}

TEST(timer_wheel, cancel_and_rearm_replace_what_was_armed) {
  timer_wheel wheel{start};
  probe p;
  int runs = 0;
  p.fired = [&](instant) { ++runs; };
  wheel.arm(p, start + milliseconds{20});
  wheel.arm(p, start + seconds{2});
  wheel.advance(start + seconds{1});
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(p.is_armed());
  p.cancel();
  wheel.advance(start + seconds{3});
  EXPECT_EQ(runs, 0);
  EXPECT_FALSE(p.is_armed());
}

} // namespace
} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/backend_health.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

using change = backend_health::change;
constexpr instant start{seconds{1000}};

TEST(backend_health, unreachable_often_enough_in_a_row_is_down_and_is_asked_again_and_again) {
  backend_health h{{.failures_to_open = 3}, start};
  EXPECT_TRUE(h.is_up());
  EXPECT_FALSE(h.next_probe());
  EXPECT_EQ(h.on_unreachable("refused", start), change::none);
  EXPECT_EQ(h.on_unreachable("refused", start), change::none);
  EXPECT_EQ(h.on_success(start), change::none) << "the count begins anew";
  EXPECT_EQ(h.on_unreachable("refused", start), change::none);
  EXPECT_EQ(h.on_unreachable("refused", start), change::none);
  EXPECT_EQ(h.on_unreachable("refused", start), change::went_down);
  EXPECT_EQ(h.last_problem(), "refused");
  EXPECT_EQ(h.next_probe(), start + seconds{2});
  h.begin_probe();
  EXPECT_FALSE(h.next_probe());
  EXPECT_EQ(h.on_probe("refused", start + seconds{3}), change::none);
  EXPECT_EQ(h.next_probe(), start + seconds{5});
  h.begin_probe();
  EXPECT_EQ(h.on_probe("", start + seconds{5}), change::came_up);
  EXPECT_TRUE(h.is_up());
  EXPECT_FALSE(h.next_probe());
}

TEST(backend_health, failures_that_one_request_may_have_caused_are_settled_by_a_probe) {
  backend_health h{{.failures_to_open = 3}, start};
  for (int i = 0; i < 3; ++i) h.on_doubt("too long an answer", start);
  EXPECT_TRUE(h.is_up());
  EXPECT_EQ(h.next_probe(), start);
  h.begin_probe();
  EXPECT_EQ(h.on_probe("", start), change::none);
  EXPECT_TRUE(h.is_up());
  for (int i = 0; i < 3; ++i) h.on_doubt("no answer in time", start);
  h.begin_probe();
  EXPECT_EQ(h.on_probe("no answer in time", start), change::went_down);
}

TEST(backend_health, doubts_are_not_counted_with_failures_to_reach_it) {
  backend_health h{{.failures_to_open = 3}, start};
  h.on_doubt("a broken answer", start);
  h.on_doubt("a broken answer", start);
  EXPECT_EQ(h.on_unreachable("refused", start), change::none);
  EXPECT_TRUE(h.is_up());
  EXPECT_FALSE(h.next_probe());
  h.on_doubt("a broken answer", start);
  EXPECT_EQ(h.next_probe(), start) << "the third doubt asks for the probe";
  EXPECT_EQ(h.on_unreachable("refused", start), change::none);
  EXPECT_EQ(h.on_unreachable("refused", start), change::went_down);
}

TEST(backend_health, one_probe_at_a_time_decides) {
  backend_health h{{.failures_to_open = 2}, start};
  for (int i = 0; i < 2; ++i) h.on_doubt("too long an answer", start);
  ASSERT_TRUE(h.next_probe());
  h.begin_probe();
  for (int i = 0; i < 5; ++i) h.on_doubt("too long an answer", start);
  EXPECT_FALSE(h.next_probe()) << "one is on its way";
  EXPECT_EQ(h.on_probe("", start), change::none);
  for (int i = 0; i < 2; ++i) h.on_doubt("too long an answer", start);
  EXPECT_EQ(h.next_probe(), start);
}

TEST(backend_health, a_watched_one_is_probed_while_it_is_up) {
  backend_health h{{.is_watched = true}, start};
  EXPECT_EQ(h.next_probe(), start + seconds{10});
  h.begin_probe();
  EXPECT_EQ(h.on_probe("", start + seconds{10}), change::none);
  EXPECT_EQ(h.next_probe(), start + seconds{20});
  EXPECT_EQ(h.on_probe("HTTP 500", start + seconds{20}), change::went_down);
}

TEST(backend_health, other_options_leave_what_is_believed) {
  backend_health h{{.failures_to_open = 1}, start};
  EXPECT_EQ(h.on_unreachable("refused", start), change::went_down);
  h.use({.failures_to_open = 5, .probe_interval = seconds{7}}, start);
  EXPECT_FALSE(h.is_up());
  EXPECT_EQ(h.next_probe(), start + seconds{7});
}

} // namespace
} // namespace tandem::sip2

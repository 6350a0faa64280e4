// SPDX-License-Identifier: Apache-2.0
#include <tandem/observe/metrics.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

using namespace tandem;
using namespace tandem::observe;
using testing::HasSubstr;
using testing::Not;

namespace {

TEST(metrics, sums_the_cells_of_all_shards) {
  metrics all;
  counter& first = all.make_counter("tandem_calls_total", "Calls.", {{"kind", "in"}});
  counter& second = all.make_counter("tandem_calls_total", "Calls.", {{"kind", "in"}});
  first.add(2);
  second.add();
  all.make_counter("tandem_calls_total", "Calls.", {{"kind", "out"}}).add(7);
  EXPECT_EQ(all.to_prometheus(), "# HELP tandem_calls_total Calls.\n"
                                 "# TYPE tandem_calls_total counter\n"
                                 "tandem_calls_total{kind=\"in\"} 3\n"
                                 "tandem_calls_total{kind=\"out\"} 7\n");
  EXPECT_EQ(all.value("tandem_calls_total", {{"kind", "in"}}), 3);
  EXPECT_EQ(all.value("tandem_unknown"), 0);
}

TEST(metrics, escapes_labels_and_help) {
  metrics all;
  all.make_gauge("tandem_x", "one \\ two\nthree \"four\"", {{"a", "q\"b\\c\nd"}}).set(-5);
  EXPECT_EQ(all.to_prometheus(), "# HELP tandem_x one \\\\ two\\nthree \"four\"\n"
                                 "# TYPE tandem_x gauge\n"
                                 "tandem_x{a=\"q\\\"b\\\\c\\nd\"} -5\n");
}

TEST(metrics, histograms_are_cumulative_and_end_with_infinity) {
  metrics all;
  static constexpr std::array bounds{0.01, 1.0};
  histogram& h = all.make_histogram("tandem_wait_seconds", "Waits.", {{"to", "x"}}, bounds);
  h.observe(milliseconds{10}); // a bound belongs to its bucket
  h.observe(milliseconds{500});
  h.observe(seconds{5});
  EXPECT_EQ(all.to_prometheus(), "# HELP tandem_wait_seconds Waits.\n"
                                 "# TYPE tandem_wait_seconds histogram\n"
                                 "tandem_wait_seconds_bucket{to=\"x\",le=\"0.01\"} 1\n"
                                 "tandem_wait_seconds_bucket{to=\"x\",le=\"1\"} 2\n"
                                 "tandem_wait_seconds_bucket{to=\"x\",le=\"+Inf\"} 3\n"
                                 "tandem_wait_seconds_sum{to=\"x\"} 5.51\n"
                                 "tandem_wait_seconds_count{to=\"x\"} 3\n");
}

TEST(metrics, functions_are_asked_when_read) {
  metrics all;
  double now_value = 1;
  all.add_gauge("tandem_ready", "Ready.", {}, [&] { return now_value; });
  EXPECT_THAT(all.to_prometheus(), HasSubstr("tandem_ready 1\n"));
  now_value = 0;
  EXPECT_THAT(all.to_prometheus(), HasSubstr("tandem_ready 0\n"));
}

TEST(metrics, a_family_is_bounded) {
  metrics all;
  for (int i = 0; i < 1500; ++i)
    all.make_counter("tandem_many_total", "Many.", {{"n", std::to_string(i)}}).add();
  const std::string text = all.to_prometheus();
  EXPECT_THAT(text, HasSubstr("n=\"999\""));
  EXPECT_THAT(text, Not(HasSubstr("n=\"1000\"")));
}

TEST(metrics, may_be_read_while_a_shard_counts) {
  metrics all;
  counter& c = all.make_counter("tandem_busy_total", "Busy.");
  std::thread shard{[&] {
    for (int i = 0; i < 100000; ++i) c.add();
  }};
  double last = 0;
  for (int i = 0; i < 100; ++i) {
    const double read = all.value("tandem_busy_total");
    EXPECT_GE(read, last);
    last = read;
  }
  shard.join();
  EXPECT_EQ(all.value("tandem_busy_total"), 100000);
}

TEST(metrics, tells_of_the_process) {
  metrics all;
  add_process_metrics(all);
  EXPECT_GT(all.value("process_resident_memory_bytes"), 1e5);
  EXPECT_GT(all.value("process_open_fds"), 2);
  EXPECT_THAT(all.to_prometheus(), HasSubstr("tandem_build_info{version=\""));
}

} // namespace

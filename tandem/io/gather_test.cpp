// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/gather.hpp>
#include <tandem/io/shard_group.hpp>

#include <atomic>
#include <gtest/gtest.h>
#include <mutex>

using namespace tandem;
using namespace tandem::io;

namespace {

using numbers = std::vector<std::optional<int>>;

TEST(gather, every_shard_answers_on_its_own_thread_and_shard_0_gets_them_all) {
  shard_group shards{3};
  gather all{shards.all()};
  numbers found;
  shards.start();
  shards[0].post([&] {
    all.ask<int>([](shard& at) { return shard::current() == &at ? 10 + at.index() : -1; },
                 seconds{10},
                 [&](numbers answers) {
                   EXPECT_EQ(shard::current(), &shards[0]);
                   found = std::move(answers);
                   shards.stop();
                 });
    EXPECT_TRUE(found.empty()) << "never from inside the call";
  });
  shards.run();
  EXPECT_EQ(found, (numbers{10, 11, 12}));
}

TEST(gather, a_shard_that_does_not_answer_in_time_is_left_out_and_harms_nobody_later) {
  std::mutex stuck;
  stuck.lock();
  shard_group shards{2};
  gather all{shards.all()};
  numbers first;
  numbers second;
  shards.start();
  shards[0].post([&] {
    all.ask<int>(
        [&](shard& at) {
          if (at.index() == 1) const std::lock_guard wait{stuck};
          return 7;
        },
        milliseconds{30},
        [&](numbers answers) {
          first = std::move(answers);
          stuck.unlock();
          all.ask<int>([](shard&) { return 8; }, seconds{10},
                       [&](numbers later) {
                         second = std::move(later);
                         shards.stop();
                       });
        });
  });
  shards.run();
  EXPECT_EQ(first, (numbers{7, std::nullopt}));
  EXPECT_EQ(second, (numbers{8, 8}));
}

TEST(gather, a_question_that_the_end_of_the_loops_cuts_off_is_forgotten) {
  shard_group shards{2};
  bool is_told = false;
  {
    gather all{shards.all()};
    all.ask<int>([](shard&) { return 1; }, seconds{1}, [&](const numbers&) { is_told = true; });
  }
  EXPECT_FALSE(is_told);
}

} // namespace

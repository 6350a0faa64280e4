// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/ended_queue.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

namespace tandem::stack {
namespace {

TEST(ended_queue, gives_back_what_was_put_in_first) {
  ended_queue q;
  EXPECT_TRUE(q.is_empty());
  const auto one = q.push(1, 10, "first");
  const auto two = q.push(2, 20, {});
  EXPECT_EQ(q.front().key, 1U);
  EXPECT_EQ(q.front().until, 10U);
  EXPECT_EQ(q.front_name(), one);
  EXPECT_EQ(q.bytes_of(one), "first");
  q.pop();
  EXPECT_EQ(q.front_name(), two);
  EXPECT_EQ(q.front().until, 20U);
  EXPECT_EQ(q.bytes_of(two), "");
  q.pop();
  EXPECT_TRUE(q.is_empty());
}

TEST(ended_queue, a_record_may_have_as_many_bytes_as_a_message_and_none) {
  ended_queue q;
  const std::string largest(65'535, 'x');
  const auto one = q.push(1, 0, largest);
  const auto two = q.push(2, 0, {});
  const auto three = q.push(3, 0, largest);
  EXPECT_EQ(q.bytes_of(one), largest);
  EXPECT_EQ(q.bytes_of(two), "");
  q.pop();
  q.pop();
  EXPECT_EQ(q.front_name(), three);
  EXPECT_EQ(q.bytes_of(three), largest);
}

TEST(ended_queue, a_name_finds_nothing_once_its_record_is_gone) {
  ended_queue q;
  EXPECT_EQ(q.bytes_of({}), "");
  const auto one = q.push(1, 0, "first");
  const auto two = q.push(2, 0, "second");
  q.pop();
  EXPECT_EQ(q.bytes_of(one), "");
  EXPECT_EQ(q.bytes_of(two), "second");
  q.pop();
  const auto three = q.push(3, 0, "third");
  EXPECT_EQ(q.bytes_of(one), "") << "the queue began anew, its names did not";
  EXPECT_EQ(q.bytes_of(two), "");
  EXPECT_EQ(q.bytes_of(three), "third");
}

TEST(ended_queue, agrees_with_a_deque_over_random_operations) {
  struct entry {
    ended_queue::name name;
    std::uint32_t key;
    std::string bytes;
  };
  ended_queue q;
  std::deque<entry> model;
  ended_queue::name last_gone;
  std::mt19937 random{20261121};
  for (std::uint32_t step = 0; step < 50'000; ++step) {
    // It grows at first, over many blocks, and is emptied at times.
    const bool grows = step % 10'000 < 6'000;
    if (model.empty() || random() % 10 < (grows ? 7U : 1U)) {
      const std::size_t size = random() % 200 == 0 ? random() % 65'536 : random() % 500;
      std::string bytes(size, static_cast<char>('a' + step % 26));
      const auto name = q.push(step, ~step, bytes);
      model.push_back({name, step, std::move(bytes)});
    } else {
      last_gone = model.front().name;
      q.pop();
      model.pop_front();
    }
    ASSERT_EQ(q.is_empty(), model.empty());
    ASSERT_EQ(q.bytes_of(last_gone), "");
    if (model.empty()) continue;
    ASSERT_EQ(q.front().key, model.front().key);
    ASSERT_EQ(q.front().until, ~model.front().key);
    ASSERT_EQ(q.front_name(), model.front().name);
    const entry& any = model[random() % model.size()];
    ASSERT_EQ(q.bytes_of(any.name), any.bytes);
  }
}

} // namespace
} // namespace tandem::stack

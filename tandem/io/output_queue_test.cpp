// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/output_queue.hpp>

#include <tandem/base/count_allocations_for_test.hpp>

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <sys/uio.h>
#include <vector>

namespace tandem::io {
namespace {

void push(output_queue& queue, std::string_view text, std::uint32_t token) {
  queue.push(block_ref::copy_of(text), static_cast<std::uint32_t>(text.size()), {token, 0, 0});
}

std::string front(const output_queue& queue) {
  std::array<iovec, 3> pieces;
  std::string all;
  for (std::size_t i = 0, n = queue.front(pieces); i < n; ++i)
    all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return all;
}

std::vector<std::uint32_t> tokens(const output_queue& queue) {
  std::vector<std::uint32_t> all;
  queue.for_each_token([&](send_token t) { all.push_back(t.a); });
  return all;
}

TEST(output_queue, offers_its_bytes_in_order_wherever_the_last_write_ended) {
  const std::string all = "onetwothreefour";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    output_queue queue;
    push(queue, "one", 1);
    push(queue, "two", 2);
    push(queue, "three", 3);
    push(queue, "four", 4);
    queue.pop(cut);
    EXPECT_EQ(queue.bytes(), all.size() - cut);
    std::string rest;
    while (!queue.is_empty()) {
      const std::string some = front(queue);
      ASSERT_FALSE(some.empty());
      rest += some;
      queue.pop(some.size());
    }
    EXPECT_EQ(rest, all.substr(cut));
    EXPECT_EQ(queue.cost(), 0U);
  }
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
TEST(output_queue, keeps_no_room_of_a_long_queue_once_it_is_empty) {
  output_queue queue;
  const block_ref block = block_ref::copy_of("x");
  const auto allocated = [&](int entries) {
    const auto before = tandem::for_test::allocations;
    for (int i = 0; i < entries; ++i) queue.push(block_ref{block}, 1, {});
    const auto after = tandem::for_test::allocations;
    queue.pop(static_cast<std::size_t>(entries));
    return after - before;
  };
  EXPECT_GT(allocated(10'000), 1U);
  EXPECT_GT(allocated(10'000), 1U) << "the room for them was kept";
}
#endif

TEST(output_queue, knows_what_did_not_leave_whole) {
  output_queue queue;
  push(queue, "one", 1);
  push(queue, "two", 2);
  push(queue, "three", 3);
  EXPECT_EQ(tokens(queue), (std::vector{1U, 2U, 3U}));
  queue.pop(4);
  EXPECT_EQ(tokens(queue), (std::vector{2U, 3U}));
  EXPECT_GT(queue.cost(), queue.bytes());
  queue.pop(2);
  EXPECT_EQ(tokens(queue), (std::vector{3U}));
}

TEST(output_queue, stays_in_order_and_small_while_it_is_never_empty) {
  output_queue queue;
  std::uint32_t pushed = 0;
  push(queue, "xy", pushed++);
  for (int i = 0; i < 10'000; ++i) {
    push(queue, "xy", pushed++);
    queue.pop(2);
    ASSERT_EQ(tokens(queue), (std::vector{pushed - 1}));
  }
}

} // namespace
} // namespace tandem::io

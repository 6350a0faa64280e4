// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/block.hpp>

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace tandem {
namespace {

TEST(block, the_last_reference_gives_it_back_and_the_next_taker_gets_it) {
  auto first = block_ref::make(100);
  char* const place = first.data();
  auto second = first;
  EXPECT_FALSE(first.is_unique());
  first = {};
  EXPECT_TRUE(second.is_unique());
  second = {};
  EXPECT_EQ(block_ref::make(90).data(), place);
}

TEST(block, every_size_holds_what_was_asked_for) {
  for (const std::size_t size : {0UL, 1UL, 496UL, 497UL, 2000UL, 65'535UL, 65'585UL, 1'000'000UL}) {
    const std::string text(size, 'x');
    const auto block = block_ref::copy_of(text);
    ASSERT_GE(block.capacity(), size);
    EXPECT_EQ(std::string_view(block.data(), size), text);
  }
}

TEST(block, moves_to_another_thread_and_dies_there) {
  std::vector<block_ref> blocks;
  blocks.reserve(5000);
  for (int i = 0; i < 5000; ++i) blocks.push_back(block_ref::copy_of("handed over"));
  std::thread{[taken = std::move(blocks)]() mutable {
    for (const auto& b : taken) ASSERT_EQ(std::string_view(b.data(), 11), "handed over");
    taken.clear();
  }}.join();
}

} // namespace
} // namespace tandem

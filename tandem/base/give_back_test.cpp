// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/give_back.hpp>

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace tandem {
namespace {

TEST(give_back, leaves_an_empty_container_without_the_room_it_had) {
  std::string text(10'000, 'x');
  give_back(text);
  EXPECT_EQ(text, "");
  EXPECT_EQ(text.capacity(), std::string{}.capacity());
  std::vector<int> numbers(10'000);
  give_back(numbers);
  EXPECT_TRUE(numbers.empty());
  EXPECT_EQ(numbers.capacity(), 0U);
}

} // namespace
} // namespace tandem

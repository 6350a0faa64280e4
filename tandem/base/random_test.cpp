// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/random.hpp>

#include <array>
#include <gtest/gtest.h>
#include <set>
#include <thread>
#include <vector>

namespace tandem {
namespace {

TEST(random, does_not_repeat_on_any_thread) {
  std::set<std::uint64_t> seen;
  std::vector<std::uint64_t> others(1'000);
  std::thread other{[&] {
    for (auto& bits : others) bits = random_bits();
  }};
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(seen.insert(random_bits()).second);
  other.join();
  for (const auto bits : others) ASSERT_TRUE(seen.insert(bits).second);
}

TEST(random, every_bit_is_set_about_half_of_the_time) {
  std::array<int, 64> ones{};
  constexpr int rounds = 20'000;
  for (int i = 0; i < rounds; ++i) {
    const std::uint64_t bits = random_bits();
    for (unsigned b = 0; b < 64; ++b) ones[b] += static_cast<int>(bits >> b & 1);
  }
  for (const int n : ones) EXPECT_NEAR(n, rounds / 2.0, 600); // more than 8 standard deviations
}

} // namespace
} // namespace tandem

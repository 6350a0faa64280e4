// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/random.hpp>

#include <array>
#include <gtest/gtest.h>
#include <set>

namespace tandem {
namespace {

TEST(random, tokens_do_not_repeat_and_use_token_characters) {
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string token = random_token(10);
    ASSERT_EQ(token.size(), 10U);
    ASSERT_EQ(token.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz"), std::string::npos);
    ASSERT_TRUE(seen.insert(token).second);
  }
}

TEST(random, every_bit_is_set_about_half_of_the_time) {
  std::array<int, 64> ones{};
  constexpr int rounds = 20'000;
  for (int i = 0; i < rounds; ++i) {
    const std::uint64_t bits = random_bits();
    for (unsigned b = 0; b < 64; ++b) ones[b] += static_cast<int>(bits >> b & 1);
  }
  for (const int n : ones) EXPECT_NEAR(n, rounds / 2, 600); // more than 8 standard deviations
}

} // namespace
} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/decimal.hpp>

#include <tandem/base/count_allocations_for_test.hpp>

#include <gtest/gtest.h>
#include <limits>

namespace tandem {
namespace {

TEST(decimal, has_the_digits_of_every_number) {
  EXPECT_EQ(decimal{0}.view(), "0");
  EXPECT_EQ(decimal{1'000}.view(), "1000");
  EXPECT_EQ(decimal{std::numeric_limits<std::uint64_t>::max()}.view(), "18446744073709551615");
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
TEST(decimal, allocates_nothing) {
  const auto before = for_test::allocations;
  const decimal most{std::numeric_limits<std::uint64_t>::max()};
  const auto size = most.view().size();
  const auto after = for_test::allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(size, 20U);
}
#endif

} // namespace
} // namespace tandem

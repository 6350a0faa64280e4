// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/source_counts.hpp>

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(source_counts, count_an_ipv6_64_as_one_source_and_forget_who_has_nothing) {
  source_counts counts;
  const auto v4 = *ip_address::parse("192.0.2.1");
  const auto one = *ip_address::parse("2001:db8:1:2::3");
  const auto neighbour = *ip_address::parse("2001:db8:1:2::4");
  counts.add(v4);
  counts.add(one);
  counts.add(neighbour);
  EXPECT_EQ(counts.of(v4), 1U);
  EXPECT_EQ(counts.of(one), 2U);
  EXPECT_EQ(counts.of(*ip_address::parse("192.0.2.2")), 0U);
  counts.remove(one);
  EXPECT_EQ(counts.of(neighbour), 1U);
  counts.remove(neighbour);
  counts.remove(v4);
  counts.remove(v4); // never below nothing
  EXPECT_EQ(counts.sources(), 0U);
}

} // namespace
} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
// The order of SRV records (RFC 2782).
#include <tandem/stack/server_location.hpp>

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace tandem::stack {
namespace {

std::vector<std::uint64_t> draws;
std::uint64_t drawn() noexcept {
  const std::uint64_t next = draws.empty() ? 0 : draws.front();
  if (!draws.empty()) draws.erase(draws.begin());
  return next;
}

std::string order_of(std::vector<srv_record> all, std::vector<std::uint64_t> random) {
  draws = std::move(random);
  order_by_weight(all, drawn);
  std::string order;
  for (const auto& r : all) order += r.target;
  return order;
}

TEST(order_by_weight, is_by_priority_first_rfc2782) {
  EXPECT_EQ(order_of({{30, 9, 1, "c"}, {10, 0, 1, "a"}, {20, 65'535, 1, "b"}}, {}), "abc");
}

TEST(order_by_weight, draws_among_equal_priorities_with_a_small_chance_for_weight_0) {
  const std::vector<srv_record> all{{1, 1, 1, "a"}, {1, 3, 1, "b"}, {1, 0, 1, "z"}};
  EXPECT_EQ(order_of(all, {0}), "zab");
  EXPECT_EQ(order_of(all, {1}), "azb");
  EXPECT_EQ(order_of(all, {2}), "bza");
  EXPECT_EQ(order_of(all, {4}), "bza");
  EXPECT_EQ(order_of(all, {4, 1}), "baz");
  EXPECT_EQ(order_of(all, {5}), "zab") << "the sum and one is 0 again";
}

TEST(order_by_weight, spreads_the_load_as_the_weights_say) {
  int first = 0;
  for (int i = 0; i < 2'000; ++i) {
    std::vector<srv_record> all{{1, 10, 1, "a"}, {1, 30, 1, "b"}};
    order_by_weight(all, random_bits);
    first += all[0].target == "a" ? 1 : 0;
  }
  EXPECT_GT(first, 350); // 530 are to be expected, and 9 of 10 million runs are beyond
  EXPECT_LT(first, 720);
}

TEST(order_by_weight, ends_with_the_largest_weights_and_without_any) {
  EXPECT_EQ(order_of({{1, 65'535, 1, "a"}, {1, 65'535, 1, "b"}}, {131'070}), "ba");
  EXPECT_EQ(order_of({{1, 0, 1, "a"}, {1, 0, 1, "b"}}, {~std::uint64_t{0}}), "ab");
  EXPECT_EQ(order_of({}, {}), "");
}

} // namespace
} // namespace tandem::stack

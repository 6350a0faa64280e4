// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/handle_table.hpp>

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tandem::stack {
namespace {

using table = handle_table<int>;

TEST(handle_table, finds_what_was_stored_and_nothing_else) {
  table t;
  EXPECT_TRUE(t.insert(7, {1, 1}));
  EXPECT_TRUE(t.insert(7 + 64, {2, 1})) << "the same slot of the smallest table";
  EXPECT_FALSE(t.insert(7, {3, 1}));
  EXPECT_EQ(t.find(7), (table::key{1, 1}));
  EXPECT_EQ(t.find(7 + 64), (table::key{2, 1}));
  EXPECT_FALSE(t.find(7 + 128));
}

TEST(handle_table, erases_only_the_handle_that_is_named) {
  table t;
  t.insert(7, {1, 1});
  t.erase(7, {1, 2});
  EXPECT_TRUE(t.find(7));
  t.erase(7, {1, 1});
  EXPECT_FALSE(t.find(7));
  EXPECT_EQ(t.size(), 0U);
}

TEST(handle_table, erases_by_the_low_half_of_a_hash) {
  table t;
  t.insert(0x1234'0000'0007, {1, 1});
  t.insert(0x5678'0000'0007, {2, 1});
  t.erase(7, {2, 1});
  EXPECT_TRUE(t.find(0x1234'0000'0007));
  EXPECT_FALSE(t.find(0x5678'0000'0007));
  t.erase(7, {});
  EXPECT_EQ(t.size(), 1U);
}

TEST(handle_table, agrees_with_an_ordered_map_over_random_operations) {
  table t;
  std::map<std::uint64_t, table::key> model;
  std::mt19937_64 random{20261121};
  for (std::uint32_t step = 1; step < 200'000; ++step) {
    const std::uint64_t hash = random() % 700; // crowded, so that runs collide and wrap
    if (random() % 2 == 0) {
      const table::key value{step, 1};
      EXPECT_EQ(t.insert(hash, value), model.emplace(hash, value).second);
    } else if (const auto found = model.find(hash); found != model.end()) {
      t.erase(hash, found->second);
      model.erase(found);
    }
    ASSERT_EQ(t.size(), model.size());
    const std::uint64_t probe = random() % 700;
    const auto expected = model.find(probe);
    ASSERT_EQ(t.find(probe), expected == model.end() ? table::key{} : expected->second);
  }
}

} // namespace
} // namespace tandem::stack

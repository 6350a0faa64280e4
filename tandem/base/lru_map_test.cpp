// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/lru_map.hpp>

#include <gtest/gtest.h>
#include <string>

namespace tandem {
namespace {

TEST(lru_map, at_its_bound_it_forgets_what_was_not_used_for_the_longest_time) {
  lru_map<std::string, int> map{3};
  map.set("a", 1);
  map.set("b", 2);
  map.set("c", 3);
  EXPECT_EQ(*map.find("a"), 1); // used: now b is the oldest
  map.set("d", 4);
  EXPECT_EQ(map.size(), 3U);
  EXPECT_EQ(map.find("b"), nullptr);
  map.set("c", 5); // counts as used, too
  map.set("e", 6);
  EXPECT_EQ(map.find("a"), nullptr);
  EXPECT_EQ(*map.find("c"), 5);
  EXPECT_EQ(*map.find("d"), 4);
}

TEST(lru_map, what_is_erased_makes_room) {
  lru_map<std::string, int> map{2};
  map.set("a", 1);
  map.set("b", 2);
  map.erase("a");
  map.erase("nothing");
  map.set("c", 3);
  EXPECT_EQ(*map.find("b"), 2);
  map.erase_if([](int value) { return value == 2; });
  EXPECT_EQ(map.find("b"), nullptr);
  EXPECT_EQ(*map.find("c"), 3);
  EXPECT_EQ(map.size(), 1U);
}

} // namespace
} // namespace tandem

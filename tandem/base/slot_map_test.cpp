// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/slot_map.hpp>

#include <gtest/gtest.h>
#include <string>

namespace tandem {
namespace {

TEST(slot_map, a_stale_handle_finds_nothing_even_when_its_slot_is_used_again) {
  slot_map<std::string> map;
  const auto first = map.emplace("first");
  map.erase(first);
  const auto second = map.emplace("second");
  EXPECT_EQ(second.slot, first.slot);
  EXPECT_EQ(map.find(first), nullptr);
  EXPECT_EQ(*map.find(second), "second");
  map.erase(first);
  EXPECT_EQ(map.size(), 1U);
}

TEST(slot_map, objects_stay_where_they_are_while_others_come) {
  slot_map<std::string> map;
  const auto key = map.emplace("stays");
  const std::string* const place = map.find(key);
  for (int i = 0; i < 1000; ++i) map.emplace(std::to_string(i));
  EXPECT_EQ(map.find(key), place);
  std::size_t seen = 0;
  map.for_each([&](auto k, std::string&) {
    ++seen;
    map.erase(k);
  });
  EXPECT_EQ(seen, 1001U);
  EXPECT_EQ(map.size(), 0U);
}

TEST(slot_map, the_default_handle_and_a_foreign_slot_find_nothing) {
  slot_map<int> map;
  EXPECT_EQ(map.find({}), nullptr);
  EXPECT_EQ(map.find({.slot = 7, .generation = 1}), nullptr);
}

} // namespace
} // namespace tandem

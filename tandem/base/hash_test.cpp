// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/hash.hpp>

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace tandem {
namespace {

TEST(keyed_hash, parts_do_not_run_into_each_other) {
  const hash_key key{1, 2};
  EXPECT_NE(keyed_hash(key, "ab", "c"), keyed_hash(key, "a", "bc"));
  EXPECT_NE(keyed_hash(key, "", "abc"), keyed_hash(key, "abc", ""));
  EXPECT_NE(keyed_hash(key, "a", "b", 1), keyed_hash(key, "a", "b", 2));
}

TEST(keyed_hash, another_key_gives_another_value_and_the_same_key_the_same) {
  EXPECT_EQ(keyed_hash({1, 2}, "call"), keyed_hash({1, 2}, "call"));
  EXPECT_NE(keyed_hash({1, 2}, "call"), keyed_hash({1, 3}, "call"));
}

TEST(keyed_hash, every_length_and_every_byte_counts) {
  const hash_key key = hash_key::random();
  std::set<std::uint64_t> seen;
  for (std::size_t n = 0; n < 40; ++n) {
    std::string text(n, '\0');
    EXPECT_TRUE(seen.insert(keyed_hash(key, text)).second);
    for (char& c : text) {
      c = 'x';
      EXPECT_TRUE(seen.insert(keyed_hash(key, text)).second);
      c = '\0';
    }
  }
}

} // namespace
} // namespace tandem

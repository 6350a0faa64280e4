// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/hash.hpp>

#include <bit>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tandem {
namespace {

TEST(keyed_hash, parts_do_not_run_into_each_other) {
  const hash_key key{1, 2};
  EXPECT_NE(keyed_hash(key, "ab", "c"), keyed_hash(key, "a", "bc"));
  EXPECT_NE(keyed_hash(key, "", "abc"), keyed_hash(key, "abc", ""));
  EXPECT_NE(keyed_hash(key, "a", "b", 1), keyed_hash(key, "a", "b", 2));
  // The length of 256 bytes in one byte is 0, and so is that of none: cut so, both have the words
  // 0, 31 of x, and 0, 0.
  const std::string nothing(8, '\0'), text(248, 'x');
  EXPECT_NE(keyed_hash(key, nothing + text, ""), keyed_hash(key, "", text + nothing));
}

TEST(keyed_hash, another_key_gives_another_value_and_the_same_key_the_same) {
  EXPECT_EQ(keyed_hash({1, 2}, "call"), keyed_hash({1, 2}, "call"));
  EXPECT_NE(keyed_hash({1, 2}, "call"), keyed_hash({1, 3}, "call"));
}

TEST(keyed_hash, is_sip_hash_1_3_of_a_text_whose_length_a_byte_can_tell) {
  const auto letter_by_letter = [](const hash_key& key, std::string_view text) {
    std::uint64_t v[4]{key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
                       key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573};
    const auto round = [&] {
      v[0] += v[1];
      v[1] = std::rotl(v[1], 13) ^ v[0];
      v[0] = std::rotl(v[0], 32);
      v[2] += v[3];
      v[3] = std::rotl(v[3], 16) ^ v[2];
      v[0] += v[3];
      v[3] = std::rotl(v[3], 21) ^ v[0];
      v[2] += v[1];
      v[1] = std::rotl(v[1], 17) ^ v[2];
      v[2] = std::rotl(v[2], 32);
    };
    const auto absorb = [&](std::uint64_t word) {
      v[3] ^= word;
      round();
      v[0] ^= word;
    };
    std::uint64_t word = 0;
    std::size_t n = 0;
    for (const char c : text) {
      word |= std::uint64_t{static_cast<unsigned char>(c)} << 8 * (n++ % 8);
      if (n % 8 == 0) absorb(std::exchange(word, 0));
    }
    absorb(word | static_cast<std::uint64_t>(text.size()) << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; ++i) round();
    return v[0] ^ v[1] ^ v[2] ^ v[3];
  };
  std::string text;
  for (std::size_t n = 0; n < 40; ++n) {
    // Of its own size, so that a byte read beyond its ends is seen by the sanitizers.
    const std::vector<char> bytes(text.begin(), text.end());
    EXPECT_EQ(keyed_hash({1, 2}, {bytes.data(), n}), letter_by_letter({1, 2}, text)) << n;
    text += static_cast<char>(200 + 7 * n);
  }
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

// SPDX-License-Identifier: Apache-2.0
#include <tandem/crypto/compare.hpp>
#include <tandem/crypto/hmac.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>

namespace tandem::crypto {
namespace {

std::string signature(const hmac_key& key, std::initializer_list<std::string_view> parts) {
  const auto made = hmac_sha256(key, parts);
  return made ? std::string{hex_digest{*made}.view()} : "none";
}

TEST(hmac_sha256, is_that_of_rfc4231_4_2_and_4_3) {
  std::array<std::uint8_t, 20> first{};
  first.fill(0x0b);
  EXPECT_EQ(signature(hmac_key{first}, {"Hi ", "There"}),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  constexpr std::array<std::uint8_t, 4> second{'J', 'e', 'f', 'e'};
  EXPECT_EQ(signature(hmac_key{second}, {"what do ya want for nothing?"}),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(hmac_key, is_wiped_when_it_dies) {
  alignas(hmac_key) std::array<unsigned char, sizeof(hmac_key)> place{};
  auto* const one = new (place.data()) hmac_key;
  EXPECT_FALSE(std::ranges::all_of(place, [](unsigned char byte) { return byte == 0; }));
  std::destroy_at(one);
  for (const unsigned char byte : place) EXPECT_EQ(byte, 0);
}

TEST(is_equal, compares_sizes_and_every_byte) {
  const auto one = *hash(hash_function::sha256, {"a"});
  auto other = one;
  EXPECT_TRUE(is_equal(one.view(), other.view()));
  EXPECT_FALSE(is_equal(one.view(), one.view().first(31)));
  EXPECT_FALSE(is_equal(one.view(), {}));
  for (auto& byte : other.bytes) {
    byte ^= 1;
    EXPECT_FALSE(is_equal(one.view(), other.view()));
    byte ^= 1;
  }
}

} // namespace
} // namespace tandem::crypto

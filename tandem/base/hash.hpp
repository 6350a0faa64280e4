// SPDX-License-Identifier: Apache-2.0
// Keyed hashing (SipHash-1-3): what a peer chooses (Call-ID, branch) spreads evenly over tables and
// shards, and nobody outside can aim at one slot. Pure, any thread.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tandem {

/// The secret of a table or of the process.
struct hash_key {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  /// A fresh key from the kernel's random numbers.
  [[nodiscard]] static hash_key random();
};

/// SipHash-1-3 of several parts, one after the other. Each part ends with its length, so that parts
/// that are cut elsewhere give other words.
class keyed_hasher {
 public:
  explicit keyed_hasher(const hash_key& key) noexcept
      : v0_{key.k0 ^ 0x736f6d6570736575ULL}, v1_{key.k1 ^ 0x646f72616e646f6dULL},
        v2_{key.k0 ^ 0x6c7967656e657261ULL}, v3_{key.k1 ^ 0x7465646279746573ULL} {}

  keyed_hasher& add(std::string_view bytes) noexcept {
    const char* p = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) absorb(load<std::uint64_t>(p));
    // SipHash has one byte for the length. A longer one stands in a word before, or a part could
    // take words of its neighbour.
    std::uint64_t length = bytes.size();
    if (length >= longer) {
      absorb(length);
      length = longer;
    }
    absorb(length << 56 | last_bytes(bytes, left));
    return *this;
  }

  keyed_hasher& add(std::uint64_t number) noexcept {
    absorb(number);
    return *this;
  }

  /// The hash of what was added; nothing may be added any more.
  [[nodiscard]] std::uint64_t finish() noexcept {
    v2_ ^= 0xff;
    round();
    round();
    round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  static constexpr std::uint64_t longer = 0xff; ///< than one byte says

  template <typename T>
  static T load(const char* p) noexcept {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }

  /// The `left` last bytes of a text, fewer than eight, as a number. They are read at once with
  /// bytes that are known already: copying so few, one never knows how many, costs as much as
  /// hashing them.
  static std::uint64_t last_bytes(std::string_view bytes, std::size_t left) noexcept {
    const char* const end = bytes.data() + bytes.size();
    if (left == 0) return 0;
    if (bytes.size() >= 8) return load<std::uint64_t>(end - 8) >> 8 * (8 - left);
    const char* const begin = end - left;
    if (left >= 4)
      return load<std::uint32_t>(begin) | std::uint64_t{load<std::uint32_t>(end - 4)}
                                              << 8 * (left - 4);
    const auto at = [begin](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(begin[i])} << 8 * i;
    };
    return at(0) | at(left / 2) | at(left - 1);
  }

  void absorb(std::uint64_t word) noexcept {
    v3_ ^= word;
    round();
    v0_ ^= word;
  }

  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

/// SipHash-1-3 of the bytes under the key.
[[nodiscard]] std::uint64_t keyed_hash(const hash_key& key, std::string_view bytes) noexcept;

/// The same of two texts and a number: hash("ab","c") differs from hash("a","bc").
[[nodiscard]] std::uint64_t keyed_hash(const hash_key& key, std::string_view a, std::string_view b,
                                       std::uint64_t c = 0) noexcept;

} // namespace tandem

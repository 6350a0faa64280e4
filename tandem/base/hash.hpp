// SPDX-License-Identifier: Apache-2.0
// Keyed hashing (SipHash-1-3): what a peer chooses (Call-ID, branch) spreads evenly over tables and
// shards, and nobody outside can aim at one slot. Pure, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem {

/// The secret of a table or of the process.
struct hash_key {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  /// A fresh key from the kernel's random numbers.
  [[nodiscard]] static hash_key random();
};

/// SipHash-1-3 of the bytes under the key.
[[nodiscard]] std::uint64_t keyed_hash(const hash_key& key, std::string_view bytes) noexcept;

/// The same of several parts, as if they stood one after the other with a separator of their own:
/// hash("ab","c") differs from hash("a","bc").
[[nodiscard]] std::uint64_t keyed_hash(const hash_key& key, std::string_view a, std::string_view b,
                                       std::uint64_t c = 0) noexcept;

} // namespace tandem

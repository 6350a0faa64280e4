// SPDX-License-Identifier: Apache-2.0
// Bits as letters, for tags and branches: short, and nothing that people mix up. Pure, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tandem {

/// Two letters for each ten bits, the lower five first.
inline constexpr std::array<std::array<char, 2>, 1024> letter_pairs = [] {
  constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789"; // no l, o, 0, 1
  std::array<std::array<char, 2>, 1024> all{};
  for (std::size_t bits = 0; bits < all.size(); ++bits)
    all[bits] = {letters[bits & 31], letters[bits >> 5]};
  return all;
}();

/// Writes `count` letters, each for five of the bits, the lowest ones first; beyond 64 bits it is
/// the letter of zero. \return the end of what was written.
inline char* write_letters(char* to, std::uint64_t bits, std::size_t count) noexcept {
  for (; count >= 2; count -= 2, to += 2, bits >>= 10)
    std::memcpy(to, letter_pairs[bits & 1023].data(), 2);
  if (count != 0) *to++ = letter_pairs[bits & 31][0];
  return to;
}

} // namespace tandem

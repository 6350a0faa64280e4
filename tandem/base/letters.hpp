// SPDX-License-Identifier: Apache-2.0
// Bits as letters, for tags and branches: short, and nothing that people mix up. Pure, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem {

/// Writes `count` letters, each for five of the bits, the lowest ones first; beyond 64 bits it is
/// the letter of zero. \return the end of what was written.
constexpr char* write_letters(char* to, std::uint64_t bits, std::size_t count) noexcept {
  constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789"; // no l, o, 0, 1
  for (std::size_t i = 0; i < count; ++i, bits >>= 5) *to++ = letters[bits & 31];
  return to;
}

} // namespace tandem

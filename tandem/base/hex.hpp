// SPDX-License-Identifier: Apache-2.0
// Bytes as hexadecimal digits, lower case. Pure functions, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace tandem {

/// The two digits of each byte, one pair behind the other.
inline constexpr std::array<char, 512> hex_pairs = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 512> all{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    all[2 * byte] = digits[byte >> 4];
    all[2 * byte + 1] = digits[byte & 15];
  }
  return all;
}();

/// Writes the two digits of one byte. \return behind them
inline char* write_hex(char* to, std::uint8_t byte) noexcept {
  std::memcpy(to, &hex_pairs[std::size_t{2} * byte], 2);
  return to + 2;
}

/// Writes two digits for each byte. \return behind the last
inline char* write_hex(char* to, std::span<const std::uint8_t> bytes) noexcept {
  for (const std::uint8_t byte : bytes) to = write_hex(to, byte);
  return to;
}

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
// Numbers as bytes, the most significant first. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem {

/// Writes the low `size` bytes of a number, at most eight. \return behind the last
constexpr std::uint8_t* put_big_endian(std::uint8_t* to, std::uint64_t number,
                                       std::size_t size) noexcept {
  for (std::size_t i = size; i-- > 0;) *to++ = static_cast<std::uint8_t>(number >> (8 * i));
  return to;
}

/// Reads `size` bytes, at most eight, and moves `from` behind them.
constexpr std::uint64_t take_big_endian(const std::uint8_t*& from, std::size_t size) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | *from++;
  return number;
}

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
// The look-up of header names: a perfect hash over headers.def, inline for the scanner, which asks
// for each line. Names are compared without regard to case (RFC 3261 7.3.1). Pure, any thread.
#pragma once

#include <tandem/base/text.hpp>
#include <tandem/sip/byte_block.hpp>
#include <tandem/sip/header_id.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace tandem::sip::detail {

/// The two bytes at `p`.
constexpr std::uint32_t pair(const char* p) noexcept {
  if (!std::is_constant_evaluated() && std::endian::native == std::endian::little) {
    std::uint16_t bytes;
    std::memcpy(&bytes, p, sizeof bytes);
    return bytes;
  }
  return static_cast<unsigned char>(p[0]) | std::uint32_t{static_cast<unsigned char>(p[1])} << 8;
}

/// Two letters at the begin of the name, two behind its middle, and its length, multiplied; of a
/// name of one letter the colon behind it counts too. The multiplier was found by search; when a
/// new name collides, the assertion below fails and another is to be searched for.
constexpr std::size_t slot_of(const char* name, std::size_t size) noexcept {
  const std::uint32_t letters = pair(name) | pair(name + size * 9 / 16) << 16;
  return ((letters | 0x20202020u) + static_cast<std::uint32_t>(size)) * 0x7f171361u >> 22;
}

/// The names with what is needed to compare the begin of a line with one of them at once.
struct header_table {
  struct alignas(byte_block::size) row {
    std::array<char, byte_block::size> lower{};     ///< the first bytes of the name and a colon
    std::array<char, byte_block::size> case_bits{}; ///< 0x20 for each letter
  };

  std::array<row, 256> rows{};             ///< number 0 is none, and no line begins like it
  std::array<std::uint16_t, 256> needed{}; ///< of the bytes of the row, one bit each
  std::array<header_id, 256> ids{};
  std::array<std::uint8_t, 1024> row_of_slot{};
  bool is_perfect = true;

  constexpr header_table() noexcept {
    needed[0] = byte_block::all;
    for (std::size_t i = 1; i < header_infos.size(); ++i) {
      const header_info& one = header_infos[i];
      put(one.name, static_cast<header_id>(i));
      if (one.compact != 0) put({&one.compact, 1}, static_cast<header_id>(i));
    }
  }

 private:
  constexpr void put(std::string_view name, header_id id) noexcept {
    const std::size_t size = std::min(name.size(), byte_block::size);
    row& to = rows[++used_];
    for (std::size_t i = 0; i < size; ++i) {
      to.lower[i] = to_lower(name[i]);
      to.case_bits[i] = is_alpha(name[i]) ? 0x20 : 0;
    }
    if (size < byte_block::size) to.lower[size] = ':';
    needed[used_] = static_cast<std::uint16_t>(((2u << size) - 1) & byte_block::all);
    ids[used_] = id;
    std::array<char, 64> line{};
    *std::copy(name.begin(), name.end(), line.begin()) = ':';
    std::uint8_t& slot = row_of_slot[slot_of(line.data(), name.size())];
    if (slot != 0) is_perfect = false;
    slot = used_;
  }

  std::uint8_t used_ = 0;
};

inline constexpr header_table table_of_headers;
static_assert(table_of_headers.is_perfect,
              "two names of headers.def share a slot: search another multiplier");

/// The header whose name stands at the begin of a line, right before the first colon of it.
/// \param line the bytes from the name's first on
inline header_id find_header_in_line(std::string_view name, byte_block line) noexcept {
  const header_table& table = table_of_headers;
  const std::size_t found = table.row_of_slot[slot_of(name.data(), name.size())];
  const header_table::row& row = table.rows[found];
  // The colon in the row is the end of the name, so that its size need not be compared.
  const auto same = line.with_bits(row.case_bits.data()).equal_to(row.lower.data());
  if ((~same & table.needed[found]) != 0) return header_id::unknown;
  const header_id id = table.ids[found];
  // The row of nobody is all zeros, and so may a name be.
  if (id != header_id::unknown && name.size() >= byte_block::size &&
      !iequals(name.substr(byte_block::size), info(id).name.substr(byte_block::size)))
    return header_id::unknown;
  return id;
}

} // namespace tandem::sip::detail

// SPDX-License-Identifier: Apache-2.0
// The look-up of header names: a perfect hash over headers.def, inline for the scanner, which asks
// for each line. Names are compared without regard to case (RFC 3261 7.3.1). Pure, any thread.
#pragma once

#include <tandem/sip/byte_block.hpp>
#include <tandem/sip/header_id.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace tandem::sip::detail {

/// 0x20 folds the case of a letter and leaves '-' alone; names in the table have nothing else.
constexpr std::uint32_t fold(char c) noexcept { return static_cast<unsigned char>(c) | 0x20u; }

constexpr std::uint32_t fold4(const char* p) noexcept {
  if (!std::is_constant_evaluated()) {
    std::uint32_t letters;
    std::memcpy(&letters, p, sizeof letters);
    if constexpr (std::endian::native == std::endian::little) return letters | 0x20202020u;
  }
  return fold(p[0]) | fold(p[1]) << 8 | fold(p[2]) << 16 | fold(p[3]) << 24;
}

/// The first four letters, the last four and the length, multiplied. The multiplier was found by
/// search; when a new name collides, the assertion below fails and another is to be searched for.
constexpr std::size_t slot_of(std::string_view name) noexcept {
  const std::size_t n = name.size();
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (n >= 4) {
    first = fold4(name.data());
    last = fold4(name.data() + n - 4);
  } else {
    first = fold(name[0]) | fold(name[n / 2]) << 8;
    last = fold(name[n - 1]);
  }
  return ((first | last << 32) + n) * 0xa6f1becb94d36a21u >> 54;
}

struct header_table {
  struct alignas(byte_block::size) row {
    std::array<char, byte_block::size> folded{}; ///< the first bytes of the name and a colon
  };

  std::array<row, 256> rows{};             ///< number 0 is none, and no line begins like it
  std::array<std::uint16_t, 256> needed{}; ///< of the bytes of the row, one bit each
  std::array<std::uint8_t, 256> sizes{};
  std::array<header_id, 256> ids{};
  std::array<std::uint8_t, 1024> row_of_slot{};
  bool is_perfect = true;

  constexpr header_table() noexcept {
    std::size_t used = 0;
    needed[0] = byte_block::all;
    const auto put = [&](std::string_view name, header_id id) {
      ++used;
      const std::size_t n = std::min(name.size(), byte_block::size);
      for (std::size_t i = 0; i < n; ++i) rows[used].folded[i] = static_cast<char>(fold(name[i]));
      if (n < byte_block::size) rows[used].folded[n] = ':';
      needed[used] = static_cast<std::uint16_t>(((2u << n) - 1) & byte_block::all);
      sizes[used] = static_cast<std::uint8_t>(name.size());
      ids[used] = id;
      std::uint8_t& slot = row_of_slot[slot_of(name)];
      if (slot != 0) is_perfect = false;
      slot = static_cast<std::uint8_t>(used);
    };
    for (std::size_t i = 1; i < header_infos.size(); ++i) {
      const header_info& one = header_infos[i];
      put(one.name, static_cast<header_id>(i));
      if (one.compact != 0) put({&one.compact, 1}, static_cast<header_id>(i));
    }
  }
};

inline constexpr header_table table_of_headers;
static_assert(table_of_headers.is_perfect,
              "two names of headers.def share a slot: search another multiplier");
static_assert(header_count <= 128, "an index entry has seven bits for the id");

/// Equal when case is folded; both have as many bytes.
inline bool same_letters(std::string_view a, std::string_view b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (fold(a[i]) != fold(b[i])) return false;
  return true;
}

/// The header whose name stands at the begin of a line, right before the first colon of it. The
/// name has no CR (a CR would fold to '-') and is not empty. \param line the bytes from the name's
/// first on
inline header_id find_header_in_line(std::string_view name, byte_block line) noexcept {
  const header_table& table = table_of_headers;
  const std::size_t row = table.row_of_slot[slot_of(name)];
  // The colon in the row is the end of the name, so that its size need not be compared.
  if ((~line.folded().equal_to(table.rows[row].folded.data()) & table.needed[row]) != 0)
    return header_id::unknown;
  const header_id id = table.ids[row];
  if (name.size() >= byte_block::size) {
    const std::string_view whole = info(id).name;
    if (name.size() != whole.size() ||
        !same_letters(name.substr(byte_block::size), whole.substr(byte_block::size)))
      return header_id::unknown;
  }
  return id;
}

} // namespace tandem::sip::detail

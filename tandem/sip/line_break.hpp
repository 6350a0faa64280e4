// SPDX-License-Identifier: Apache-2.0
// The searches that scanner, framer and setters share: the next byte that ends a line or must not
// be in one.
// Pure, any thread.
#pragma once

#include <tandem/sip/byte_block.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tandem::sip {

/// The first of these bytes in [from, end), or end.
template <char... Bytes>
[[nodiscard]] inline const char* find_byte(const char* from, const char* end) noexcept {
  for (; end - from >= static_cast<std::ptrdiff_t>(byte_block::size); from += byte_block::size)
    if (const auto found = byte_block{from}.any_of<Bytes...>())
      return from + static_cast<unsigned>(std::countr_zero(found));
  while (from != end && ((*from != Bytes) && ...)) ++from;
  return from;
}

[[nodiscard]] constexpr bool is_break(char c) noexcept {
  return c == '\r' || c == '\n' || c == '\0';
}

/// The first CR, LF or NUL in [from, end), or end.
[[nodiscard]] inline const char* find_break(const char* from, const char* end) noexcept {
  // All up to CR in one comparison; what else that finds is rare, and passed over.
  while (end - from >= static_cast<std::ptrdiff_t>(byte_block::size)) {
    const auto found = byte_block{from}.up_to('\r');
    if (found == 0) {
      from += byte_block::size;
      continue;
    }
    from += std::countr_zero(found);
    if (is_break(*from)) return from;
    ++from;
  }
  while (from != end && !is_break(*from)) ++from;
  return from;
}

/// The text may stand in a header line: no CR, no LF, no NUL.
[[nodiscard]] inline bool is_one_line(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  const char* p = text.data();
  if (text.size() < byte_block::size) return find_break(p, end) == end;
  byte_block::mask marks = 0;
  for (; end - p > static_cast<std::ptrdiff_t>(byte_block::size); p += byte_block::size)
    marks |= byte_block{p}.up_to('\r');
  marks |= byte_block{end - byte_block::size}.up_to('\r');  // some of it for the second time
  return marks == 0 || find_break(text.data(), end) == end; // it may be a tab
}

/// The byte at `p` is the second of a quoted pair: an odd number of backslashes stands before it.
/// RFC 3261 25.1 lets such a pair mean NUL (RFC 4475 3.1.1.2 has one).
[[nodiscard]] inline bool is_escaped(const char* begin, const char* p) noexcept {
  bool is_odd = false;
  while (p != begin && p[-1] == '\\') {
    is_odd = !is_odd;
    --p;
  }
  return is_odd;
}

/// Nothing that the scanner finds fault with: no CR, no LF, NUL only as a quoted pair.
[[nodiscard]] inline bool is_received_text(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); (p = find_break(p, end)) != end; ++p)
    if (*p != '\0' || !is_escaped(text.data(), p)) return false;
  return true;
}

} // namespace tandem::sip

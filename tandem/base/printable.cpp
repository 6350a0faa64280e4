// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/printable.hpp>

#include <algorithm>
#include <cstdint>

namespace tandem {

namespace {

/// The length of the UTF-8 character that the text begins with (RFC 3629 4), when it is one that is
/// printed; 0 for a byte that begins none, and for a control character.
std::size_t printable_length(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80U) return first >= 0x20U && first != 0x7fU ? 1 : 0;
  const std::size_t length = first >= 0xf0U ? 4 : first >= 0xe0U ? 3 : 2;
  if (first < 0xc2U || first > 0xf4U || text.size() < length) return 0;
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || code > 0x10ffffU || (code >= 0xd800U && code < 0xe000U)) return 0;
  const bool is_control = code < 0xa0U;                             // C1
  const bool is_direction = (code >= 0x200eU && code <= 0x200fU) || // they turn a line
                            (code >= 0x2028U && code <= 0x202eU) || // around, or break it
                            (code >= 0x2066U && code <= 0x2069U);
  return is_control || is_direction ? 0 : length;
}

} // namespace

std::string to_printable(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    made += length == 0 ? std::string_view{"?"} : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return made;
}

std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

} // namespace tandem

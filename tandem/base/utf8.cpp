// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/utf8.hpp>

namespace tandem {

std::optional<char32_t> take_utf8(std::string_view& text) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return std::nullopt;
  const int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  char32_t value = first & (0x3fU >> more);
  // RFC 3629 4: no overlong form, no surrogate, nothing beyond U+10FFFF.
  unsigned lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (int i = 0; i < more; ++i) {
    const unsigned next = text.empty() ? 0 : static_cast<unsigned char>(text.front());
    if (next < lowest || next > highest) return std::nullopt;
    text.remove_prefix(1);
    value = (value << 6) | (next & 0x3f);
    lowest = 0x80;
    highest = 0xbf;
  }
  return value;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty())
    if (!take_utf8(text)) return false;
  return true;
}

} // namespace tandem

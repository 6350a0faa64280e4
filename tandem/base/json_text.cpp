// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/json_text.hpp>

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>

namespace tandem {

namespace {

constexpr std::uint32_t replacement = 0xfffd;

/// Takes one character off the front. What is not UTF-8 (RFC 3629) gives one U+FFFD for each
/// longest beginning of a character.
std::uint32_t take_character(std::string_view& text) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first < 0x80) return first;
  if (first < 0xc2 || first > 0xf4) return replacement;
  const int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  std::uint32_t value = first & (0x3fU >> more);
  // RFC 3629 4: no overlong form, no surrogate, nothing beyond U+10FFFF.
  unsigned lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  for (int i = 0; i < more; ++i) {
    const unsigned next = text.empty() ? 0 : static_cast<unsigned char>(text.front());
    if (next < lowest || next > highest) return replacement;
    text.remove_prefix(1);
    value = (value << 6) | (next & 0x3f);
    lowest = 0x80;
    highest = 0xbf;
  }
  return value;
}

} // namespace

void append_json(std::string& to, std::string_view utf8) {
  const auto escape = [&to](std::uint32_t unit) {
    fmt::format_to(std::back_inserter(to), "\\u{:04x}", unit);
  };
  to += '"';
  while (!utf8.empty()) {
    std::size_t plain = 0; // most of a text is
    while (plain < utf8.size() && utf8[plain] >= 0x20 && utf8[plain] < 0x7f && utf8[plain] != '"' &&
           utf8[plain] != '\\')
      ++plain;
    to.append(utf8.substr(0, plain));
    utf8.remove_prefix(plain);
    if (utf8.empty()) break;
    const std::uint32_t c = take_character(utf8);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += static_cast<char>(c);
    } else if (c < 0x10000) {
      escape(c);
    } else {
      escape(0xd7c0 + (c >> 10));
      escape(0xdc00 + (c & 0x3ff));
    }
  }
  to += '"';
}

} // namespace tandem

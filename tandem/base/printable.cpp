// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/printable.hpp>

#include <tandem/base/utf8.hpp>

#include <algorithm>

namespace tandem {

namespace {

/// Not a control character (C0, C1), and none that turns a line around or breaks it.
bool is_printed(char32_t c) noexcept {
  const bool is_control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool is_direction =
      (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return !is_control && !is_direction;
}

} // namespace

std::string to_printable(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  while (!text.empty()) {
    std::string_view rest = text;
    const auto character = take_utf8(rest);
    const std::size_t length = text.size() - rest.size();
    if (character && is_printed(*character))
      made += text.substr(0, length);
    else
      made.append(length, '?');
    text = rest;
  }
  return made;
}

std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

} // namespace tandem

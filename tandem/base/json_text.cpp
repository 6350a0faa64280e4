// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/json_text.hpp>

#include <tandem/base/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>

namespace tandem {

namespace {

/// Stands for what is not UTF-8, one for each longest beginning of a character.
constexpr char32_t replacement = 0xfffd;

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
    const std::uint32_t c = take_utf8(utf8).value_or(replacement);
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

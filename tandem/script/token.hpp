// SPDX-License-Identifier: Apache-2.0
// The words of the language. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/script/diagnostics.hpp>
#include <tandem/script/source.hpp>

namespace tandem::script {

enum class token_kind : std::uint8_t {
  end,
  name,     ///< letter, then letters, digits, `_`
  host,     ///< names joined by dots and hyphens: foo.bar, 3com.example
  address,  ///< IPv4 or IPv6 literal, without brackets
  number,   ///< decimal digits; also 0x1F and 0o17
  string,   ///< "..." or '...'
  variable, ///< $name, $name(x), $(name(x)[1])
  left_brace,
  right_brace,
  left_parenthesis,
  right_parenthesis,
  left_bracket,
  right_bracket,
  semicolon,
  comma,
  colon,
  slash,
  dot,
  minus,
  assign,      ///< =
  equal,       ///< ==
  match,       ///< =~
  not_equal,   ///< !=
  not_match,   ///< !~
  logical_not, ///< ! not
  logical_and, ///< && & and
  logical_or,  ///< || | or
};

struct token {
  token_kind kind = token_kind::end;
  span where;
  std::string text; ///< of a string: its content, escapes resolved; of others: as written
  std::int64_t number = 0;
};

/// "'{'", "a string", "the end of the file": for "expected ..., found ...".
[[nodiscard]] std::string_view describe(token_kind kind) noexcept;
/// The same for one token, with its text where that helps: "'t_relay'", "\"abc\"", "number 5".
[[nodiscard]] std::string describe(const token& found);

/// All words of a source, the last one is `end`. What cannot be read is complained about and left
/// out. Comments: `#` to the end of the line, and /* ... */, which nest.
[[nodiscard]] std::vector<token> read_tokens(const source& text, diagnostics& found);

/// Where byte `index` of a string's content stands in the source; `raw` is the whole literal with
/// its quotes. The inverse of the resolution of escapes.
[[nodiscard]] std::uint32_t raw_offset(std::string_view raw, std::size_t index) noexcept;

} // namespace tandem::script

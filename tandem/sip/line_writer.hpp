// SPDX-License-Identifier: Apache-2.0
// "name: value CRLF": how a header line is checked, measured and written, whatever it is written
// for (RFC 3261 7.3.1). Pure functions, any thread.
#pragma once

#include <tandem/base/text.hpp>
#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/header_name.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_break.hpp>

#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace tandem::sip {

/// A value in pieces, one after the other.
using line_pieces = std::initializer_list<std::string_view>;

/// Why that line must not be written: a name that is no token, or CR, LF or NUL in the value.
[[nodiscard]] inline std::optional<edit_errc> fault_of_line(const header_name& name,
                                                            line_pieces value) noexcept {
  if (name.id() == header_id::unknown && !is_token(name.text())) return edit_errc::bad_name;
  for (const auto piece : value)
    if (!is_one_line(piece)) return edit_errc::unsafe_text;
  return std::nullopt;
}

/// The bytes that the line takes.
[[nodiscard]] constexpr std::size_t line_size(std::string_view name, line_pieces value) noexcept {
  std::size_t size = name.size() + 4;
  for (const auto piece : value) size += piece.size();
  return size;
}

/// A line that was written: its value without the blanks around it, and where the next one goes.
struct written_line {
  char* value;
  char* value_end;
  char* end;
};

/// Copies bytes; none may come without an address, which memcpy does not allow. \return the end of
/// what was written.
inline char* put_bytes(char* to, std::string_view bytes) noexcept {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

/// Writes the line to `to`, which has room for line_size().
inline written_line write_line(char* to, std::string_view name, line_pieces value) noexcept {
  written_line line{};
  to = put_bytes(put_bytes(to, name), ": ");
  line.value = to;
  for (const auto piece : value) to = put_bytes(to, piece);
  line.value_end = to;
  line.end = put_bytes(to, "\r\n");
  while (line.value != line.value_end && is_blank(*line.value)) ++line.value;
  while (line.value_end != line.value && is_blank(line.value_end[-1])) --line.value_end;
  return line;
}

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/header_lines.hpp>

#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_break.hpp>

namespace tandem::sip {

result<void, edit_errc> header_lines::add(header_name name,
                                          std::initializer_list<std::string_view> value) {
  const std::string_view label = name.text();
  if (!is_token(label)) return fail(edit_errc::bad_name);
  std::size_t size = text_.size() + label.size() + 4;
  for (const auto piece : value) {
    if (!is_one_line(piece)) return fail(edit_errc::unsafe_text);
    size += piece.size();
  }
  if (size > max_message_size) return fail(edit_errc::too_large);
  text_.append(label).append(": ");
  for (const auto piece : value) text_.append(piece);
  text_.append("\r\n");
  return {};
}

result<void, edit_errc> header_lines::add(const header_lines& lines) {
  if (text_.size() + lines.text_.size() > max_message_size) return fail(edit_errc::too_large);
  text_.append(lines.text_);
  return {};
}

} // namespace tandem::sip

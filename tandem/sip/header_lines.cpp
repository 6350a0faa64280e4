// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/header_lines.hpp>

#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/message_layout.hpp>

namespace tandem::sip {

result<void, edit_errc> header_lines::add(header_name name,
                                          std::initializer_list<std::string_view> value) {
  // RFC 3261 20.14: Content-Length belongs to who writes the body.
  if (name.id() == header_id::content_length) return fail(edit_errc::bad_name);
  if (const auto fault = fault_of_line(name, value)) return fail(*fault);
  const std::size_t used = text_.size();
  const std::size_t size = used + line_size(name.text(), value);
  if (size > max_message_size) return fail(edit_errc::too_large);
  text_.resize(size);
  write_line(text_.data() + used, name.text(), value);
  return {};
}

result<void, edit_errc> header_lines::add(const header_lines& lines) {
  if (text_.size() + lines.text_.size() > max_message_size) return fail(edit_errc::too_large);
  text_.append(lines.text_);
  return {};
}

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/content_length.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/message_editor.hpp>

namespace tandem::sip {

bool has_right_length(const message& of) noexcept {
  const std::size_t at = of.find(header_id::content_length);
  return at != message::npos && parse_number<std::size_t>(of.value(at)) == of.body().size() &&
         of.find(header_id::content_length, at + 1) == message::npos;
}

result<void, edit_errc> ensure_content_length(message& of) {
  if (has_right_length(of)) return {};
  return of.edit().put(header_id::content_length, decimal{of.body().size()}.view());
}

} // namespace tandem::sip

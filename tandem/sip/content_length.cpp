// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/content_length.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/message_editor.hpp>

namespace tandem::sip {

bool has_right_length(const message& of) noexcept {
  constexpr header_set length{header_id::content_length};
  const std::size_t at = of.find_last(header_id::content_length); // it mostly ends the header
  return at != message::npos && parse_number<std::size_t>(of.value(at)) == of.body().size() &&
         (!of.may_repeat(length) || of.find(header_id::content_length) == at);
}

result<void, edit_errc> ensure_content_length(message& of) {
  if (has_right_length(of)) return {};
  return of.edit().put(header_id::content_length, decimal{of.body().size()}.view());
}

} // namespace tandem::sip

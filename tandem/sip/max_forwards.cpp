// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/max_forwards.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/message_editor.hpp>

namespace tandem::sip {

result<unsigned, edit_errc> decrement_max_forwards(message& request) {
  const std::size_t at = request.find(header_id::max_forwards);
  if (at == message::npos) {
    if (const auto done = request.edit().append(header_id::max_forwards, "70"); !done)
      return fail(done.error());
    return 70u;
  }
  const auto hops = parse_number<unsigned>(request.value(at));
  if (!hops || *hops == 0) return fail(edit_errc::bad_value);
  const unsigned left = *hops - 1;
  if (const auto done = request.edit().replace_line(at, decimal{left}.view()); !done)
    return fail(done.error());
  return left;
}

} // namespace tandem::sip

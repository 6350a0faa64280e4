// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/received.hpp>

#include <tandem/base/block.hpp>
#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/params.hpp>

#include <utility>

namespace tandem::sip {

result<void, edit_errc> stamp_received(message& request, const socket_address& source) {
  const auto via = request.front(header_id::via);
  if (!via) return fail(edit_errc::no_such_header);
  constexpr std::size_t longest_stamp = 80; // ";received=" and ";rport=" with their values
  const std::size_t size = via->size() + longest_stamp;
  if (size > max_message_size) return fail(edit_errc::too_large);
  const block_ref room = block_ref::make(size);
  char* out = room.data();
  const auto put = [&out](std::string_view text) { out = put_bytes(out, text); };
  const auto semicolon = via->find(';');
  put(trim(via->substr(0, semicolon)));
  if (semicolon != std::string_view::npos) {
    cursor at{via->substr(semicolon)};
    const auto read = params::read(at);
    at.skip_lws();
    if (!read || !at.at_end()) return fail(edit_errc::bad_value);
    bool has_rport = false;
    for (auto it = read->begin(); it != read->end(); ++it) {
      if (iequals(it->name, "received")) continue;
      if (iequals(it->name, "rport")) {
        if (std::exchange(has_rport, true)) continue;
        put(";rport=");
        put(decimal{source.port}.view());
        continue;
      }
      put(";");
      put(it.text());
    }
  }
  put(";received=");
  out = source.ip.write(out);
  const std::string_view stamped{room.data(), static_cast<std::size_t>(out - room.data())};
  return request.edit().update_front(header_id::via, [&](std::string_view) { return stamped; });
}

} // namespace tandem::sip

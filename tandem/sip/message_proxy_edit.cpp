// SPDX-License-Identifier: Apache-2.0
// The edits that a proxy and a transport make to a message on its way (RFC 3261 16.6, 16.7, 18.2,
// RFC 3581), and the body.
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/params.hpp>
#include <tandem/sip/status.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>

#include <cstring>

namespace tandem::sip {
namespace {

bool is_address(std::string_view text) noexcept {
  for (const char c : text)
    if (hex_value(c) < 0 && c != '.' && c != ':') return false;
  return !text.empty();
}

} // namespace

result<void, edit_errc> message::set_request_uri(std::string_view uri) {
  if (!is_request() || !base_) return fail(edit_errc::no_such_header);
  // More would be wrong: what a peer sent and a script kept goes out as it came.
  for (const char c : uri)
    if (!is(char_class::request_uri, c))
      return fail(is_safe(uri) ? edit_errc::bad_value : edit_errc::unsafe_text);
  const auto colon = uri.find(':');
  if (colon == 0 || colon == std::string_view::npos) return fail(edit_errc::bad_value);
  block_ref replaced;
  if (!reserve(uri.size(), 0, replaced)) return fail(edit_errc::too_large);
  at_.target = add_text(uri);
  at_.target_is_edit = true;
  return {};
}

result<void, edit_errc> message::set_status(int status, std::string_view reason) {
  if (!is_response()) return fail(edit_errc::no_such_header);
  if (!is_status(status)) return fail(edit_errc::bad_value);
  if (!is_safe(reason)) return fail(edit_errc::unsafe_text);
  if (reason.empty()) reason = default_reason(status);
  block_ref replaced;
  constexpr std::string_view version = "SIP/2.0 ";
  if (!reserve(version.size() + 4 + reason.size() + 2, 0, replaced))
    return fail(edit_errc::too_large);
  at_.start.begin = add_text(version).begin;
  at_.method_end = static_cast<std::uint16_t>(at_.start.begin + version.size() - 1);
  add_text(decimal{static_cast<std::uint64_t>(status)}.view());
  add_text(" ");
  at_.target = add_text(reason);
  at_.start.end = at_.target.end;
  add_text("\r\n");
  at_.start_is_edit = true;
  at_.target_is_edit = true;
  at_.status = static_cast<std::uint16_t>(status);
  return {};
}

result<void, edit_errc> message::stamp_received(std::string_view address, std::uint16_t port) {
  if (!is_address(address)) return fail(edit_errc::bad_value);
  const auto via = front(header_id::via);
  if (!via) return fail(edit_errc::no_such_header);
  const std::size_t size = via->size() + address.size() + 32;
  if (size > max_message_size) return fail(edit_errc::too_large);
  block_ref room = block_ref::make(size);
  char* out = room.data();
  const auto put = [&out](std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    out += text.size();
  };
  const auto semicolon = via->find(';');
  put(trim(via->substr(0, semicolon)));
  if (semicolon != std::string_view::npos) {
    cursor at{via->substr(semicolon)};
    const auto read = params::read(at);
    at.skip_lws();
    if (!read || !at.at_end()) return fail(edit_errc::bad_value);
    bool has_rport = false;
    for (auto it = read->begin(); it != read->end(); ++it) {
      // What the sender claims of itself here is replaced (RFC 3261 18.2.1).
      if (iequals(it->name, "received")) continue;
      if (iequals(it->name, "rport")) {
        if (std::exchange(has_rport, true)) continue;
        put(";rport=");
        put(decimal{port}.view());
        continue;
      }
      put(";");
      put(it.text());
    }
  }
  put(";received=");
  put(address);
  return splice_value(header_id::via, false,
                      {room.data(), static_cast<std::size_t>(out - room.data())});
}

result<unsigned, edit_errc> message::decrement_max_forwards() {
  const std::size_t at = find(header_id::max_forwards);
  if (at == npos) {
    if (const auto done = append(header_id::max_forwards, "70"); !done) return fail(done.error());
    return 70u;
  }
  const auto hops = parse_number<unsigned>(value_of(line_at(at)));
  if (!hops || *hops == 0) return fail(edit_errc::bad_value);
  const unsigned left = *hops - 1;
  if (const auto done = replace_line(at, decimal{left}.view()); !done) return fail(done.error());
  return left;
}

result<void, edit_errc> message::set_body(std::string_view bytes) {
  if (bytes.size() > max_message_size) return fail(edit_errc::too_large);
  block_ref copy = bytes.empty() ? block_ref{} : block_ref::copy_of(bytes);
  if (const auto done = put(header_id::content_length, decimal{bytes.size()}.view()); !done)
    return done;
  body_ = std::move(copy);
  at_.body_size = static_cast<std::uint32_t>(bytes.size());
  at_.body_is_edit = true;
  return {};
}

result<void, edit_errc> message::set_body(std::string_view type, std::string_view bytes) {
  if (bytes.empty()) {
    if (const auto done = set_body(bytes); !done) return done;
    drop({header_id::content_type, header_id::content_encoding, header_id::content_disposition,
          header_id::content_language});
    return {};
  }
  if (!is_safe(type)) return fail(edit_errc::unsafe_text);
  if (trim(type).empty()) return fail(edit_errc::bad_value);
  if (bytes.size() > max_message_size) return fail(edit_errc::too_large);
  // `bytes` may be a view into what the next edit replaces.
  const block_ref kept = edits_;
  if (const auto done = put(header_id::content_type, type); !done) return done;
  return set_body(bytes);
}

result<void, edit_errc> message::ensure_content_length() {
  const auto text = first(header_id::content_length);
  if (text && count(header_id::content_length) == 1 &&
      parse_number<std::uint32_t>(*text) == at_.body_size)
    return {};
  return put(header_id::content_length, decimal{at_.body_size}.view());
}

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/response_writer.hpp>

#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/status.hpp>

#include <cstring>

namespace tandem::sip {
namespace {

constexpr std::string_view version = "SIP/2.0 ";
constexpr std::string_view ending = "Content-Length: 0\r\n\r\n";
/// Room for what is added behind: usually enough, so that the block is made once.
constexpr std::size_t more = 160;

/// RFC 3261 12.1.1, RFC 6665 4.4.1, RFC 3515 2.4.4: a response to these may form a dialog.
bool may_form_dialog(method m) noexcept {
  return m == method::invite || m == method::subscribe || m == method::refer || m == method::notify;
}

} // namespace

/// The lines that a response copies, in its order, and what they take.
struct response_writer::copied_lines {
  std::string_view from, to, call_id, cseq, timestamp; ///< without data: not there
  std::size_t first_via = 0, last_via = 0;             ///< line numbers, the end one further
  std::size_t size = 0;
  bool is_routed = false; ///< Record-Route is there and copied

  copied_lines(const message& request, bool copies_route) noexcept;
};

response_writer::copied_lines::copied_lines(const message& request, bool copies_route) noexcept {
  // Of a header that may stand once the first line counts.
  const auto take = [&](std::string_view& place, std::string_view value) {
    if (place.data()) return;
    place = value;
    size += value.size() + sizeof "Timestamp: \r\n";
  };
  const std::size_t count = request.header_count();
  for (std::size_t i = 0; i < count; ++i) {
    switch (request.id(i)) {
    case header_id::via:
      if (last_via == 0) first_via = i;
      last_via = i + 1;
      size += request.value(i).size() + sizeof "Via: \r\n";
      break;
    case header_id::record_route:
      if (!copies_route) break;
      is_routed = true;
      size += request.value(i).size() + sizeof "Record-Route: \r\n";
      break;
    case header_id::from: take(from, request.value(i)); break;
    case header_id::to: take(to, request.value(i)); break;
    case header_id::call_id: take(call_id, request.value(i)); break;
    case header_id::cseq: take(cseq, request.value(i)); break;
    case header_id::timestamp: take(timestamp, request.value(i)); break;
    default: break;
    }
  }
}

response_writer::response_writer(const message& request, int status, std::string_view reason,
                                 std::string_view to_tag)
    : status_{status} {
  if (!is_status(status))
    refuse(edit_errc::bad_value);
  else if (!is_one_line(reason))
    refuse(edit_errc::unsafe_text);
  else
    begin(request, reason.empty() ? default_reason(status) : reason, to_tag);
}

void response_writer::begin(const message& request, std::string_view reason,
                            std::string_view to_tag) {
  // RFC 3261 12.1.1: what forms a dialog carries the route that the requests took.
  const copied_lines lines{request,
                           status_ > 100 && status_ < 300 && may_form_dialog(request.method())};
  if (!reserve(version.size() + reason.size() + 14 + lines.size + to_tag.size(), more)) return;
  char* to = put_bytes(block_.data(), version);
  *to++ = static_cast<char>('0' + status_ / 100);
  *to++ = static_cast<char>('0' + status_ / 10 % 10);
  *to++ = static_cast<char>('0' + status_ % 10);
  *to++ = ' ';
  to = put_bytes(to, reason);
  // Values of a request without defect are good text.
  const bool is_suspect = request.defect().has_value();
  const auto put_line = [&](std::string_view name, std::string_view value,
                            std::string_view tag = {}) {
    if (is_suspect && !is_received_text(value)) refuse(edit_errc::unsafe_text);
    to = put_bytes(to, name);
    to = put_bytes(to, value);
    if (tag.empty()) return;
    to = put_bytes(to, ";tag=");
    to = put_bytes(to, tag);
  };
  // RFC 3261 8.2.6.2: the same Via values in the same order.
  for (std::size_t i = lines.first_via; i < lines.last_via; ++i)
    if (request.id(i) == header_id::via) put_line("\r\nVia: ", request.value(i));
  if (lines.is_routed)
    for (std::size_t i = 0; i < request.header_count(); ++i)
      if (request.id(i) == header_id::record_route)
        put_line("\r\nRecord-Route: ", request.value(i));
  if (lines.from.data()) put_line("\r\nFrom: ", lines.from);
  if (lines.to.data()) {
    const bool needs_tag = status_ > 100 && !to_tag.empty() && request.to_tag().empty();
    put_line("\r\nTo: ", lines.to, needs_tag ? to_tag : std::string_view{});
  }
  if (lines.call_id.data()) put_line("\r\nCall-ID: ", lines.call_id);
  if (lines.cseq.data()) put_line("\r\nCSeq: ", lines.cseq);
  // RFC 3261 8.2.6.1 wants it in a 100; in the others it lets the sender measure as well (20.38).
  if (lines.timestamp.data()) put_line("\r\nTimestamp: ", lines.timestamp);
  to = put_bytes(to, "\r\n");
  used_ = static_cast<std::size_t>(to - block_.data());
}

result<void, edit_errc> response_writer::add(header_name name,
                                             std::initializer_list<std::string_view> value) {
  if (name.id() == header_id::content_length) return fail(edit_errc::bad_name); // finish() has it
  if (const auto fault = fault_of_line(name, value)) return fail(*fault);
  if (!reserve(line_size(name.text(), value))) return fail(error_);
  const auto line = write_line(block_.data() + used_, name.text(), value);
  used_ = static_cast<std::size_t>(line.end - block_.data());
  return {};
}

void response_writer::add(const header_lines& lines) {
  if (reserve(lines.text().size()))
    used_ =
        static_cast<std::size_t>(put_bytes(block_.data() + used_, lines.text()) - block_.data());
}

result<std::pair<block_ref, std::uint32_t>, edit_errc> response_writer::finish() {
  if (!reserve(ending.size())) return fail(error_);
  put_bytes(block_.data() + used_, ending);
  used_ += ending.size();
  return std::pair{std::move(block_), static_cast<std::uint32_t>(used_)};
}

void response_writer::refuse(edit_errc error) noexcept {
  if (!is_failed_) error_ = error;
  is_failed_ = true;
}

/// Room for that many bytes, and where the block must grow for some more.
bool response_writer::reserve(std::size_t bytes, std::size_t further) {
  if (is_failed_) return false;
  const std::size_t need = used_ + bytes;
  if (need <= block_.capacity()) return true;
  if (need > max_message_size) {
    refuse(edit_errc::too_large);
    return false;
  }
  block_ref larger = block_ref::make(need + further);
  if (used_ != 0) std::memcpy(larger.data(), block_.data(), used_);
  block_ = std::move(larger);
  return true;
}

} // namespace tandem::sip

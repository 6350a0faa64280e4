// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/build.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/line_writer.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/sip/status.hpp>

#include <cstring>

namespace tandem::sip {
namespace {

constexpr std::string_view version = "SIP/2.0";

} // namespace

message_builder message_builder::request(std::string_view method, std::string_view uri) {
  message_builder out;
  if (!is_token(method) || uri.find(':') == std::string_view::npos ||
      uri.find_first_of(std::string_view{" \t\r\n\0<>\"", 8}) != std::string_view::npos) {
    out.refuse(edit_errc::bad_value);
    return out;
  }
  if (!out.reserve(method.size() + uri.size() + version.size() + 4)) return out;
  out.put(method);
  out.at_.method = find_method(method);
  out.at_.method_end = static_cast<std::uint16_t>(out.used_);
  out.put(" ");
  out.at_.target.begin = static_cast<std::uint16_t>(out.used_);
  out.put(uri);
  out.at_.target.end = static_cast<std::uint16_t>(out.used_);
  out.put(" ");
  out.put(version);
  out.end_start_line();
  return out;
}

void message_builder::end_start_line() noexcept {
  at_.start = {0, static_cast<std::uint16_t>(used_)};
  put("\r\n");
  at_.headers_begin = static_cast<std::uint16_t>(used_);
}

void message_builder::refuse(edit_errc error) noexcept {
  if (!is_failed_) error_ = error;
  is_failed_ = true;
}

bool message_builder::reserve(std::size_t bytes) {
  if (is_failed_) return false;
  const std::size_t need = used_ + bytes;
  if (need > max_message_size) {
    refuse(edit_errc::too_large);
    return false;
  }
  if (need <= block_.capacity()) return true;
  block_ref larger = block_ref::make(need < 900 ? 1008 : need + need / 2);
  if (used_ != 0) std::memcpy(larger.data(), block_.data(), used_);
  block_ = std::move(larger);
  return true;
}

void message_builder::put(std::string_view bytes) noexcept {
  if (bytes.empty()) return;
  std::memcpy(block_.data() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

message_builder& message_builder::add(header_name name, std::string_view value) {
  return add(name, {value});
}

message_builder& message_builder::add(header_name name,
                                      std::initializer_list<std::string_view> value) {
  if (name.id() == header_id::content_length) refuse(edit_errc::bad_name); // finish() has it
  if (const auto fault = fault_of_line(name, value)) refuse(*fault);
  add_line(name, value);
  return *this;
}

void message_builder::add_line(header_name name, std::initializer_list<std::string_view> value) {
  const std::string_view text = name.text();
  if (at_.lines == max_header_lines) refuse(edit_errc::too_large);
  if (!reserve(line_size(text, value))) return;
  const auto line = write_line(block_.data() + used_, text, value);
  const auto place = [this](const char* p) {
    return static_cast<std::uint16_t>(p - block_.data());
  };
  index_line& l = lines_[at_.lines++];
  l.begin = static_cast<std::uint16_t>(used_);
  l.value = place(line.value);
  l.end = place(line.value_end);
  l.id = name.id();
  l.set_name_size(text.size());
  l.is_edit = 0;
  used_ = place(line.end);
}

message_builder& message_builder::copy(const message& from, header_id id) {
  for (std::size_t i = from.find(id); i != message::npos; i = from.find(id, i + 1)) {
    const auto value = from.value(i);
    if (!is_received_text(value)) refuse(edit_errc::unsafe_text);
    add_line(id, {value});
    if (info(id).shape == header_shape::single) break;
  }
  return *this;
}

message_builder& message_builder::body(std::string_view type, std::string_view bytes) {
  if (!bytes.empty()) add(header_id::content_type, type);
  body_ = bytes.empty() ? block_ref{} : block_ref::copy_of(bytes);
  body_size_ = bytes.size();
  return *this;
}

result<message, edit_errc> message_builder::finish() {
  add_line(header_id::content_length, {decimal{body_size_}.view()});
  const std::size_t index = index_size(at_.lines) + sizeof(index_line);
  if (!reserve(2 + body_size_)) return fail(error_);
  at_.headers_end = static_cast<std::uint16_t>(used_);
  put("\r\n");
  at_.body_begin = static_cast<std::uint16_t>(used_);
  at_.body_size = static_cast<std::uint32_t>(body_size_);
  if (body_size_ != 0) put({body_.data(), body_size_});
  at_.size = static_cast<std::uint16_t>(used_);

  message msg;
  const bool fits = block_.capacity() >= used_ + index;
  if (!fits) {
    msg.edits_ = block_ref::make(index);
    at_.index_is_edit = true;
  }
  const block_ref& room = fits ? block_ : msg.edits_;
  index_line* const index_end = end_of_index(room.data(), room.capacity());
  at_.index_end = index_end;
  msg.base_ = std::move(block_);
  msg.at_ = std::exchange(at_, {});
  for (std::size_t i = 0; i < msg.at_.lines; ++i) {
    index_end[-1 - static_cast<std::ptrdiff_t>(i)] = lines_[i];
    msg.known().names.add(lines_[i].id);
  }
  used_ = 0;
  body_ = {};
  body_size_ = 0;
  return msg;
}

result<message, edit_errc> make_response(const message& request, int status,
                                         std::string_view reason, std::string_view to_tag) {
  auto written = write_response(request, status, reason, to_tag);
  if (!written) return fail(written.error());
  auto read = message::parse(std::move(written->first), written->second);
  if (!read) return fail(edit_errc::bad_value);
  return std::move(*read);
}

result<message, edit_errc> make_ack(const message& invite, const message& response) {
  const auto key = invite.key();
  if (!key) return fail(edit_errc::no_such_header);
  const auto cseq = invite.first(header_id::cseq).value_or(std::string_view{});
  auto out = message_builder::request(method::ack, invite.request_uri());
  out.add(header_id::via, invite.top_via());
  out.copy(invite, header_id::route);
  out.add(header_id::max_forwards, "70");
  out.copy(invite, header_id::from).copy(response, header_id::to);
  out.copy(invite, header_id::call_id);
  out.add(header_id::cseq, {cseq.substr(0, cseq.find_first_not_of("0123456789")), " ACK"});
  return out.finish();
}

result<message, edit_errc> make_cancel(const message& invite) {
  const auto key = invite.key();
  if (!key) return fail(edit_errc::no_such_header);
  const auto cseq = invite.first(header_id::cseq).value_or(std::string_view{});
  auto out = message_builder::request(method::cancel, invite.request_uri());
  // RFC 3261 9.1: one Via, the top one; Route as in the request; no Require, no Proxy-Require.
  out.add(header_id::via, invite.top_via());
  out.copy(invite, header_id::route);
  out.add(header_id::max_forwards, "70");
  out.copy(invite, header_id::from).copy(invite, header_id::to);
  out.copy(invite, header_id::call_id);
  out.add(header_id::cseq, {cseq.substr(0, cseq.find_first_not_of("0123456789")), " CANCEL"});
  return out.finish();
}

} // namespace tandem::sip

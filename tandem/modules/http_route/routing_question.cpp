// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/http_route/routing_question.hpp>

#include <tandem/base/json_text.hpp>
#include <tandem/base/utf8.hpp>
#include <tandem/crypto/base64.hpp>
#include <tandem/server/authenticated_user.hpp>
#include <tandem/sip/header_set.hpp>

#include <fmt/format.h>
#include <iterator>
#include <string_view>

namespace tandem::modules {

namespace {

constexpr sip::header_set untold{sip::header_id::authorization,
                                 sip::header_id::proxy_authorization};

void append_name(std::string& to, std::string_view name) {
  if (to.back() != '{') to += ',';
  append_json(to, name);
  to += ':';
}

void append_member(std::string& to, std::string_view name, std::string_view value) {
  append_name(to, name);
  append_json(to, value);
}

void append_address(std::string& to, std::string_view name, const socket_address& address,
                    transport_kind transport) {
  append_name(to, name);
  to += '{';
  append_member(to, "address", address.ip.to_string());
  fmt::format_to(std::back_inserter(to), R"(,"port":{})", address.port);
  append_member(to, "transport", name_of(transport));
  to += '}';
}

void append_headers(std::string& to, const sip::message& m) {
  append_name(to, "headers");
  to += '[';
  bool is_first = true;
  for (std::size_t i = 0; i < m.header_count(); ++i) {
    if (untold.has(m.id(i))) continue;
    const sip::header_line line = m.header(i);
    if (!std::exchange(is_first, false)) to += ',';
    to += '{';
    // The name of the RFC, however the sender has written it.
    append_member(to, "name",
                  line.id == sip::header_id::unknown ? line.name : sip::to_string(line.id));
    append_member(to, "value", line.value);
    to += '}';
  }
  to += ']';
}

void append_body(std::string& to, const sip::message& m) {
  const std::size_t type = m.find(sip::header_id::content_type);
  append_name(to, "body");
  to += '{';
  append_member(to, "type", type == sip::message::npos ? std::string_view{} : m.value(type));
  if (is_utf8(m.body()))
    append_member(to, "text", m.body());
  else
    append_member(to, "base64", crypto::encode_base64(m.body()));
  to += '}';
}

} // namespace

std::string write_routing_question(const server::message_context& of, told_body body) {
  const sip::message& m = of.message();
  std::string text;
  text.reserve(m.received_bytes().size() * 3 / 2 + 512);
  text += R"({"version":1)";
  append_member(text, "block", to_string(of.block()));
  append_member(text, "method", m.method_text());
  append_member(text, "uri", m.request_uri());
  append_member(text, "original_uri", of.original_uri());
  append_member(text, "call_id", m.call_id());
  append_address(text, "source", of.from().source, of.from().transport);
  append_address(text, "local", of.from().local, of.from().transport);
  if (const auto* const who = of.find_state<server::authenticated_user>(); who && who->is_there()) {
    append_name(text, "authenticated");
    text += '{';
    append_member(text, "user", who->user);
    append_member(text, "domain", who->domain);
    append_member(text, "realm", who->realm);
    text += '}';
  }
  append_headers(text, m);
  if (body == told_body::whole && !m.body().empty()) append_body(text, m);
  return text += '}';
}

} // namespace tandem::modules

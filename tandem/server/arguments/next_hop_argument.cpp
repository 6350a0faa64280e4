// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/arguments/next_hop_argument.hpp>

#include <tandem/base/text.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/sip/uri.hpp>

namespace tandem::server {

using script::argument_kind;

std::vector<script::argument_info> next_hop_arguments() {
  return {{"host", argument_kind::text | argument_kind::host | argument_kind::uri_part},
          {"port", argument_kind::text | argument_kind::integer | argument_kind::uri_part}};
}

namespace {

/// The URI, or why the arguments name none.
result<std::string, routing_error> hop_of(const script::call& c, std::string_view transport) {
  const auto& m = c.as<message_context>();
  const auto uri = sip::uri::parse(m.uri());
  const bool is_sip = uri && uri->is_sip();
  std::string hop = "sip:";

  if (c.kind(0) == argument_kind::uri_part) {
    if (!is_sip) return fail(uri ? routing_error::bad_scheme : routing_error::bad_uri);
    const bool is_v6 = uri->host().kind == sip::host_kind::ipv6;
    hop.append(is_v6 ? "[" : "").append(uri->host().text).append(is_v6 ? "]" : "");
  } else {
    const std::string_view host = c.text(0);
    const bool needs_brackets = !host.starts_with('[') && host.find(':') != std::string_view::npos;
    hop.append(needs_brackets ? "[" : "").append(host).append(needs_brackets ? "]" : "");
  }

  if (c.has(1)) {
    std::uint32_t port = 0;
    if (c.kind(1) == argument_kind::uri_part)
      port = is_sip ? uri->port().value_or(0) : 0;
    else if (c.kind(1) == argument_kind::integer)
      port = static_cast<std::uint32_t>(c.number(1));
    else if (const auto number = parse_number<std::uint16_t>(c.text(1)))
      port = *number;
    else
      return fail(routing_error::bad_address);
    if (port > 0xffff) return fail(routing_error::bad_address);
    if (port != 0) hop.append(":").append(std::to_string(port));
  }
  if (!transport.empty()) hop.append(";transport=").append(transport);
  if (!sip::uri::parse(hop)) return fail(routing_error::bad_address);
  return hop;
}

} // namespace

std::string next_hop_argument(script::call& c, std::string_view transport) {
  auto hop = hop_of(c, transport);
  if (hop) return std::move(*hop);
  c.as<message_context>().set_error(hop.error());
  return {};
}

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/dns_settings.hpp>

#include <tandem/server/module.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace tandem::server {

namespace {

constexpr std::uint16_t dns_port = 53;

/// "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353".
std::optional<socket_address> name_server_of(std::string_view text) {
  if (const auto ip = ip_address::parse(text)) return socket_address{.ip = *ip, .port = dns_port};
  return socket_address::parse(text);
}

} // namespace

names::resolver_options resolver_options_of(const script::program& program) {
  const core_settings set = core_settings::of(program);
  names::resolver_options made = set.dns;
  constexpr std::string_view separators = ", \t";
  std::string_view left = set.dns_servers;
  for (;;) {
    left.remove_prefix(std::min(left.find_first_not_of(separators), left.size()));
    if (left.empty()) return made;
    const std::string_view text = left.substr(0, left.find_first_of(separators));
    left.remove_prefix(text.size());
    const auto at = name_server_of(text);
    if (!at || at->port == 0)
      parameter_values{program, program.core()}.refuse(
          "dns_servers", fmt::format("'{}' is not the address of a name server", text));
    made.servers.push_back(*at);
  }
}

stack::location_terms location_terms_of(const core_settings& set, const stack::outbox& out) {
  stack::location_terms terms;
  terms.asks_naptr = set.asks_naptr;
  terms.asks_srv = set.asks_srv;
  terms.transports.clear();
  for (const transport_row& row : transport_rows)
    if (out.has(row.kind)) terms.transports.push_back(row.kind);
  return terms;
}

} // namespace tandem::server

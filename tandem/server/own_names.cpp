// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/own_names.hpp>

#include <tandem/base/text.hpp>
#include <tandem/base/transport_kind.hpp>

#include <algorithm>

namespace tandem::server {

void own_names::add_listener(const socket_address& address) {
  listeners_.push_back({address, address.ip.to_string()});
}

bool own_names::add_alias(std::string_view text) {
  std::string_view host = text;
  std::uint16_t port = 0;
  if (const auto address = socket_address::parse(text)) {
    aliases_.push_back({address->ip.to_string(), address->port});
    return true;
  }
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    const auto number = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!number || *number == 0) return false;
    host = text.substr(0, colon);
    port = *number;
  }
  const bool is_name = !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_';
  });
  if (!is_name) return false;
  aliases_.push_back({to_lower_copy(host), port});
  return true;
}

bool own_names::contains(const sip::uri& uri) const noexcept {
  if (uri.port()) return contains(uri.host().text, *uri.port());
  auto kind = uri.has_transport() ? find_transport(uri.transport()) : std::nullopt;
  if (uri.scheme() == sip::uri_scheme::sips)
    kind = under_sips(kind.value_or(transport_kind::tls)).value_or(transport_kind::tls);
  return contains(uri.host().text, default_port(kind.value_or(transport_kind::udp)));
}

bool own_names::contains(std::string_view host, std::uint16_t port) const noexcept {
  if (port == 0) port = default_port(transport_kind::udp);
  // As nearly everybody writes us; other spellings of an address are read.
  for (const listener& l : listeners_)
    if (l.address.port == port && l.text == host) return true;
  if (const auto ip = ip_address::parse(host)) {
    if (contains(socket_address{.ip = *ip, .port = port})) return true;
    char text[64];
    return std::any_of(
        aliases_.begin(), aliases_.end(), [&, end = ip->write(text)](const alias& a) {
          return (a.port == 0 || a.port == port) &&
                 a.host == std::string_view{text, static_cast<std::size_t>(end - text)};
        });
  }
  // RFC 3261 19.1.4: host names compare without case; a final dot is the same name.
  if (host.ends_with('.')) host.remove_suffix(1);
  return std::any_of(aliases_.begin(), aliases_.end(), [&](const alias& a) {
    return (a.port == 0 || a.port == port) && iequals(a.host, host);
  });
}

bool own_names::contains(const ip_address& address) const noexcept {
  return std::any_of(listeners_.begin(), listeners_.end(),
                     [&](const listener& l) { return l.address.ip == address; });
}

bool own_names::contains(const socket_address& address) const noexcept {
  return std::any_of(listeners_.begin(), listeners_.end(), [&](const listener& l) {
    return l.address.ip == address.ip && l.address.port == address.port;
  });
}

} // namespace tandem::server

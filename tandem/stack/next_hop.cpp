// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/next_hop.hpp>

namespace tandem::stack {

result<next_hop, hop_errc> next_hop_of(const sip::uri& uri) noexcept {
  if (!uri.is_sip()) return fail(hop_errc::bad_scheme);
  const bool is_sips = uri.scheme() == sip::uri_scheme::sips;
  next_hop hop;

  // RFC 3263 4.1: a named transport is obeyed; sips means TLS below whatever is named.
  if (uri.has_transport()) {
    auto kind = find_transport(uri.transport());
    if (kind && is_sips) kind = under_sips(*kind);
    if (!kind) return fail(hop_errc::bad_transport);
    hop.transport = *kind;
    hop.has_transport = true;
  } else if (is_sips) {
    hop.transport = transport_kind::tls;
  }

  hop.host = uri.host();
  if (uri.has_maddr()) {
    const auto maddr = uri.maddr();
    if (!maddr) return fail(hop_errc::bad_maddr);
    hop.host = *maddr;
  }
  hop.ip = hop.host.address();
  if (hop.ip.is_multicast()) hop.ttl = uri.ttl().value_or(1);
  hop.has_port = uri.port().has_value();
  hop.port = uri.port().value_or(default_port(hop.transport));
  if (hop.port == 0) return fail(hop_errc::bad_port);
  return hop;
}

target next_hop::to_target() const {
  target to;
  to.address = {ip, port};
  to.transport = transport;
  to.ttl = ttl;
  to.choice = has_transport || transport != transport_kind::udp ? transport_choice::fixed
                                                                : transport_choice::open;
  if (is_secure(transport)) to.server_name = stack::server_name{host.text};
  return to;
}

} // namespace tandem::stack

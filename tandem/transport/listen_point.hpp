// SPDX-License-Identifier: Apache-2.0
// Where a server listens, as its configuration writes it: "udp:127.0.0.1:5060", "tcp:[::1]:5060",
// "udp:eth0:5060", "*:5060". Main thread, at start-up.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/base/result.hpp>
#include <tandem/stack/target.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::transport {

/// Where SIP listens that is not secured (RFC 3261 18.2.1, 19.1.2).
inline constexpr std::uint16_t sip_port = 5060;
/// Where SIP over TLS does.
inline constexpr std::uint16_t sips_port = default_port(transport_kind::tls);

/// One socket to be bound.
struct listen_point {
  transport_kind transport = transport_kind::udp;
  socket_address address;
  std::string advertised; ///< host, or host:port, for Via and Record-Route in place of the address
  std::string name = {};  ///< the host name that the address was looked up for, empty for none

  friend bool operator==(const listen_point&, const listen_point&) = default;
};

/// An interface of this host and one of its addresses.
struct interface_address {
  std::string name;
  ip_address ip;
  std::uint32_t scope = 0; ///< its index, for link-local addresses
};

/// The addresses of this host's interfaces that are up.
[[nodiscard]] std::vector<interface_address> local_interfaces();

/// The addresses of a host name; none when it has none.
using find_addresses = std::function<std::vector<ip_address>(const std::string& name)>;

/// Reads [transport:]host[:port], where host is an address, the name of an interface, a host name,
/// or "*" for all IPv4 addresses, and IPv6 where the host has it; without a transport it is UDP and
/// TCP, and for a multicast group UDP. The error is a sentence for the operator.
/// \param look_up asked for what is no address and no interface
/// \param otherwise the port of what names none; a kind that does not listen at 5060 by default has
/// its own (transport/connectors)
/// \param by_tls the same for TLS
[[nodiscard]] result<std::vector<listen_point>, std::string>
parse_listen_point(std::string_view text, const std::vector<interface_address>& interfaces,
                   const find_addresses& look_up = {}, std::uint16_t otherwise = sip_port,
                   std::uint16_t by_tls = sips_port);

} // namespace tandem::transport

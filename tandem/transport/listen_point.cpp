// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/listen_point.hpp>

#include <tandem/base/text.hpp>
#include <tandem/transport/connectors.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <optional>

namespace tandem::transport {

namespace {

/// What a listen point without a transport is. It is never one that needs more than an address.
constexpr std::array unnamed{transport_kind::udp, transport_kind::tcp};

/// Where a kind listens that is given no port: `port`, if it is one of those that listen at the
/// port of SIP; `by_tls`, if it is TLS.
std::uint16_t port_for(transport_kind kind, std::uint16_t port, std::uint16_t by_tls) noexcept {
  if (kind == transport_kind::tls) return by_tls;
  const std::uint16_t own = connector_of(kind).listen_port;
  return own == sip_port ? port : own;
}

std::string names_of(const std::vector<interface_address>& interfaces) {
  std::string names;
  for (const auto& i : interfaces) {
    if (names.find(i.name) != std::string::npos) continue;
    if (!names.empty()) names += ", ";
    names += i.name;
  }
  return names;
}

} // namespace

std::vector<interface_address> local_interfaces() {
  std::vector<interface_address> result;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return result;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner{list, &freeifaddrs};
  for (const ifaddrs* i = list; i; i = i->ifa_next) {
    if (!i->ifa_addr || (i->ifa_flags & IFF_UP) == 0) continue;
    const auto address = socket_address::from_sockaddr(i->ifa_addr);
    if (address) result.push_back({i->ifa_name, address.ip, address.scope});
  }
  return result;
}

result<std::vector<listen_point>, std::string>
parse_listen_point(std::string_view text, const std::vector<interface_address>& interfaces,
                   const find_addresses& look_up, std::uint16_t otherwise, std::uint16_t by_tls) {
  const std::string_view whole = text;
  std::vector<transport_kind> transports{unnamed.begin(), unnamed.end()};
  bool is_transport_named = false;
  std::string host_name;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    if (iequals(text.substr(0, colon), "sctp")) // a transport of the original, RFC 4168
      return fail(
          fmt::format("'{}': transport sctp is not there, only {}", whole, kinds_to_listen_for()));
    if (const auto named = find_transport(text.substr(0, colon))) {
      transports = {*named};
      is_transport_named = true;
      text.remove_prefix(colon + 1);
    }
  }
  for (const auto t : transports)
    if (!connector_of(t).listen) return fail(fmt::format("'{}': {}", whole, no_listener_text(t)));

  const std::uint16_t default_port = port_for(transports.front(), otherwise, by_tls);
  std::vector<socket_address> addresses;
  if (const auto address = socket_address::parse(text, default_port)) {
    addresses.push_back(*address);
  } else {
    std::string_view name = text;
    std::uint16_t port = default_port;
    if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
      const auto number = parse_number<std::uint16_t>(text.substr(colon + 1));
      if (!number)
        return fail(fmt::format("'{}': '{}' is not a port number", whole, text.substr(colon + 1)));
      name = text.substr(0, colon);
      port = *number;
    }
    if (name == "*") {
      addresses = {{ip_address::any_v4(), port}};
      // A host without IPv6 cannot bind to its wildcard.
      if (std::any_of(interfaces.begin(), interfaces.end(),
                      [](const interface_address& i) { return i.ip.is_v6(); }))
        addresses.push_back({ip_address::any_v6(), port});
    } else {
      for (const auto& i : interfaces)
        if (i.name == name)
          addresses.push_back({i.ip, port, i.ip.is_link_local() && i.ip.is_v6() ? i.scope : 0});
      if (addresses.empty() && look_up) {
        host_name = to_lower_copy(name);
        for (const ip_address& ip : look_up(host_name)) addresses.push_back({ip, port});
      }
      if (addresses.empty())
        return fail(fmt::format("'{}': '{}' is neither an address nor an interface, nor a name "
                                "that has an address; interfaces that are up: {}",
                                whole, name, names_of(interfaces)));
    }
  }
  std::vector<listen_point> points;
  for (const auto& address : addresses)
    for (const auto t : transports) {
      // RFC 3261 18.1.1: a group is spoken to by datagrams.
      if (address.ip.is_multicast() && is_reliable(t)) {
        if (!is_transport_named) continue;
        return fail(
            fmt::format("'{}': {} has no multicast groups, only udp has", whole, name_of(t)));
      }
      points.push_back({t, address, {}, host_name});
    }
  return points;
}

} // namespace tandem::transport

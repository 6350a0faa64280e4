// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connectors.hpp>

#include <tandem/io/bind_failure.hpp>
#include <tandem/io/udp_socket.hpp>
#include <tandem/transport/shard_transport.hpp>

#include <fmt/format.h>

namespace tandem::transport {

namespace {

result<void, std::string> probe_datagrams(io::shard&, const socket_address& address) {
  io::udp_options alone;
  alone.shares_port = false;
  const auto bound = io::bind_udp(address, alone);
  if (!bound) return fail(io::bind_failure("bind to", address, bound.error()));
  return {};
}

result<void, std::string> probe_stream(io::shard& at, const socket_address& address) {
  auto bound = io::tcp_listener::listen(at, address, [](auto&&, const auto&) {});
  if (!bound) return fail(std::move(bound.error()));
  return {};
}

result<socket_address, std::string> listen_for_datagrams(shard_transport& on,
                                                         const listen_point& point,
                                                         io::port_use use, std::uint32_t number) {
  return on.open_port(point.address, use, number);
}

result<socket_address, std::string> listen_for_stream(shard_transport& on,
                                                      const listen_point& point, io::port_use use,
                                                      std::uint32_t number) {
  return on.accept_at(point.transport, point.address, use, number);
}

} // namespace

// The ports of a URI with WebSocket, 80 and 443, belong to the web server of a host.
constinit const std::array<connector, transport_rows.size()> connectors{{
    {transport_kind::udp, framing::datagram, 5060, &probe_datagrams, &listen_for_datagrams},
    {transport_kind::tcp, framing::content_length, 5060, &probe_stream, &listen_for_stream},
    {transport_kind::tls, framing::content_length, 5061, &probe_stream, &listen_for_stream},
    {transport_kind::ws, framing::none, 5066, nullptr, nullptr},
    {transport_kind::wss, framing::none, 7443, nullptr, nullptr},
}};

std::string kinds_to_listen_for() {
  std::string names;
  std::string_view last;
  for (const connector& c : connectors) {
    if (!c.listen) continue;
    if (!last.empty()) names += fmt::format("{}{}", names.empty() ? "" : ", ", last);
    last = name_of(c.kind);
  }
  return names.empty() ? std::string{last} : fmt::format("{} and {}", names, last);
}

std::string no_listener_text(transport_kind kind) {
  return fmt::format("transport {} is not there yet, only {}", name_of(kind),
                     kinds_to_listen_for());
}

} // namespace tandem::transport

// SPDX-License-Identifier: Apache-2.0
// What an operator can set about transports. Values.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/stack/kept_bytes.hpp>

#include <cstddef>
#include <cstdint>

namespace tandem::transport {

struct transport_options {
  /// Requests longer than that go to TCP where the transport is open (RFC 3261 18.1.1: 1,300 bytes
  /// when the path MTU is unknown); 0 switches it off.
  std::size_t udp_mtu = 1300;
  /// Of several addresses of this host the one is sent from that the routing table chooses, where a
  /// listener has it (mhomed); else the first listener that fits.
  bool follows_routes = false;
  std::int64_t tls_log =
      2; ///< level, as `debug` counts, of lines about TLS that did not come about
  duration connect_limit = seconds{2};        ///< for a connection to open, TLS included
  duration refusal_memory = seconds{300};     ///< no TCP to who refused it, where UDP will do
  duration idle_limit = seconds{3600};        ///< a connection without a byte either way is closed
  duration half_message_limit = seconds{10};  ///< for the rest of a message, and for the first one
  duration output_limit = seconds{10};        ///< for a peer to take any of what waits for it
  std::size_t connections = 20'000;           ///< of a shard; the source with most makes room
  std::size_t connections_per_source = 2'000; ///< of a shard, by IPv4 address or IPv6 /64
  /// Connections that were accepted and whose TLS has not come about yet, of a shard: the oldest
  /// makes room, since one that is honest takes some milliseconds.
  std::size_t handshakes = 4'000;
  std::size_t handshakes_per_source = 1'000; ///< by IPv4 address or IPv6 /64; one more is refused
  std::size_t output_bytes = std::size_t{1} << 20; ///< waiting for one connection; then it closes
};

/// Bounds beyond which new work is refused with 503, while what is in progress goes on.
struct overload_options {
  duration lag = milliseconds{200};     ///< of the loop or of the datagrams in their sockets
  std::size_t transactions = 1'000'000; ///< of a shard
  /// New requests a second from one IPv4 address or IPv6 /64, for each shard; 0: no bound. A
  /// thousand phones behind one address make some 120 (docs/server.md).
  std::uint32_t requests_per_source = 1'000;
  /// Bytes of messages that the transactions of a shard keep, in all and for one source.
  stack::kept_limits kept{};
  std::uint32_t retry_after = 5; ///< seconds that a refused client is told to wait
};

} // namespace tandem::transport

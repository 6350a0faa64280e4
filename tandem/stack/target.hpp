// SPDX-License-Identifier: Apache-2.0
// Where a message goes and where one came from, as the transport and the machines speak about it.
// Values, any thread.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/clock.hpp>
#include <tandem/base/ip_address.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::stack {

/// The transports of RFC 3261 18, RFC 7118.
enum class transport_kind : std::uint8_t { udp, tcp, tls, ws, wss };

/// Nothing is lost on the way, so that nothing is sent again (RFC 3261 17).
[[nodiscard]] constexpr bool is_reliable(transport_kind kind) noexcept {
  return kind != transport_kind::udp;
}

/// The next hop may be trusted with `sips:` (RFC 3261 26.2.2).
[[nodiscard]] constexpr bool is_secure(transport_kind kind) noexcept {
  return kind == transport_kind::tls || kind == transport_kind::wss;
}

/// As it stands in a Via: "UDP", "TCP", "TLS", "WS", "WSS" (RFC 3261 20.42, RFC 7118 5.2).
[[nodiscard]] constexpr std::string_view via_token(transport_kind kind) noexcept {
  constexpr std::string_view tokens[]{"UDP", "TCP", "TLS", "WS", "WSS"};
  return tokens[static_cast<std::size_t>(kind)];
}

/// 5061 for TLS, 80 and 443 for WebSocket, else 5060 (RFC 3261 19.1.2, RFC 7118 8).
[[nodiscard]] constexpr std::uint16_t default_port(transport_kind kind) noexcept {
  constexpr std::uint16_t ports[]{5060, 5060, 5061, 80, 443};
  return ports[static_cast<std::size_t>(kind)];
}

/// Names a connection, or a listening datagram socket, of some shard; the default names none. A
/// binding stores one too, so it outlives what it names: a stale one is answered as "gone".
struct flow_handle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0; ///< 0: none
  std::uint16_t shard = 0;

  [[nodiscard]] explicit operator bool() const noexcept { return generation != 0; }
  friend bool operator==(flow_handle, flow_handle) noexcept = default;
};

/// How firmly a target's transport was chosen (RFC 3261 18.1.1 lets only an open choice change).
enum class transport_choice : std::uint8_t {
  fixed, ///< named by the URI, or learned from the flow of a registration
  open,  ///< the default; a request too large for a datagram may go to TCP
};

/// Where to send.
struct target {
  socket_address address;
  flow_handle flow;      ///< this flow, when it names one, and no other unless may_reconnect
  block_ref server_name; ///< name to verify by TLS, none for other transports
  std::uint32_t name_size = 0;
  transport_kind transport = transport_kind::udp;
  transport_choice choice = transport_choice::fixed;
  bool may_reconnect = false; ///< when the flow is gone, another connection to the address will do
  std::uint8_t ttl = 0;       ///< of multicast (RFC 3261 18.1.1), 0: the system's
};

/// What a request is matched by, as keyed hashes (transaction_key.hpp).
struct request_keys {
  std::uint64_t own = 0;    ///< of its server transaction; for ACK that of its INVITE
  std::uint64_t invite = 0; ///< of the INVITE that an ACK or CANCEL is about

  /// They were taken.
  [[nodiscard]] explicit operator bool() const noexcept { return own != 0; }
};

/// Where a message came from, and by what.
struct arrival {
  socket_address source;
  socket_address local; ///< the address of ours that it was sent to, as far as it is known
  flow_handle flow;     ///< the connection or the datagram socket it came in on
  transport_kind transport = transport_kind::udp;
  instant at;
  /// Of a request that the transaction layer handed out: taken before anybody could edit it, so
  /// that its copies, its ACK and its CANCEL are known whatever a script made of it.
  request_keys keys;
};

} // namespace tandem::stack

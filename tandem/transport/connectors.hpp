// SPDX-License-Identifier: Apache-2.0
// What this program can do with each kind of transport: listen, send, and find the end of a
// message. One row a kind; what the protocol says of it is base/transport_kind. Values, any thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/transport_kind.hpp>
#include <tandem/io/tcp_listener.hpp>
#include <tandem/transport/listen_point.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tandem::transport {

class shard_transport;

/// What ends a message, and with it what carries one.
enum class framing : std::uint8_t {
  none,           ///< nobody reads or writes messages of that kind yet
  datagram,       ///< a datagram holds one message (RFC 3261 18.3)
  content_length, ///< it says how much of a connection's stream belongs to it (RFC 3261 18.3)
};

/// A row. The functions are called at start-up, before the loops run; their errors are sentences
/// for the operator.
struct connector {
  transport_kind kind;
  framing framed; ///< with framing::none nothing is sent by that kind
  /// Where a listener of that kind listens when nothing is said (RFC 3261 18.2.1).
  std::uint16_t listen_port;
  /// Whether a listener of that kind would work there: tries it for a moment, alone. Null: there
  /// is no listener of that kind yet.
  result<void, std::string> (*probe)(io::shard& at, const socket_address& address);
  /// Opens the listener of that number on one shard; the result is its address with its real
  /// port. Null: see probe.
  result<socket_address, std::string> (*listen)(shard_transport& on, const listen_point& point,
                                                io::port_use use, std::uint32_t number);
};

/// In the order of the kinds.
extern const std::array<connector, transport_rows.size()> connectors;

/// The row of a kind. One load: it is asked for each message that leaves.
[[nodiscard]] inline const connector& connector_of(transport_kind kind) noexcept {
  return connectors[static_cast<std::size_t>(kind)];
}

/// What a request goes by that is too large for a datagram (RFC 3261 18.1.1).
inline constexpr transport_kind for_large_requests = transport_kind::tcp;

/// The kinds that can be listened for: "udp and tcp".
[[nodiscard]] std::string kinds_to_listen_for();

/// Why nothing listens for that kind, for the operator.
[[nodiscard]] std::string no_listener_text(transport_kind kind);

} // namespace tandem::transport

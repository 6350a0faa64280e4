// SPDX-License-Identifier: Apache-2.0
// Where a message goes and where one came from, as the transport and the machines speak about it.
// Values, any thread.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/clock.hpp>
#include <tandem/base/flow_handle.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/transport_kind.hpp>
#include <tandem/stack/server_name.hpp>

#include <cstdint>

namespace tandem::stack {

/// How firmly a target's transport was chosen (RFC 3261 18.1.1 lets only an open choice change).
enum class transport_choice : std::uint8_t {
  fixed, ///< named by the URI, or learned from the flow of a registration
  open,  ///< the default; a request too large for a datagram may go to TCP
};

/// Where to send.
struct target {
  socket_address address;
  flow_handle flow; ///< this flow, when it names one, and no other unless may_reconnect
  stack::server_name server_name; ///< that TLS has the peer prove, none for other transports
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

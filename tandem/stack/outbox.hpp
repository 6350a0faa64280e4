// SPDX-License-Identifier: Apache-2.0
// What the machines need of the world: a way out, a clock and timers. The transport of a shard
// implements it; tests do, in virtual time. One thread.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/clock.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/stack/effects.hpp>
#include <tandem/stack/target.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace tandem::stack {

/// A message as it goes on the wire, in a counted block: kept for as long as it may be resent, and
/// shared with the queue it waits in.
struct wire_message {
  block_ref block;
  std::uint32_t size = 0;

  [[nodiscard]] static wire_message copy_of(std::string_view bytes) {
    return {block_ref::copy_of(bytes), static_cast<std::uint32_t>(bytes.size())};
  }
  [[nodiscard]] std::string_view bytes() const noexcept {
    return block ? std::string_view{block.data(), size} : std::string_view{};
  }
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(block); }
};

/// On whose behalf a message is sent, so that a failure finds its way back
/// (transaction_layer::on_send_error). The default names nobody: stateless, failures are dropped.
struct origin {
  enum class kind : std::uint8_t { none, client, server };
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  kind of = kind::none;

  friend bool operator==(origin, origin) noexcept = default;
};

/// Why a message could not be sent, and what it means for the transaction that sent it. A client
/// transaction fails for each of them (RFC 3261 17.1.4, 8.1.3.1: as if 503 came), and its user may
/// try another address (RFC 3263 4.3). A server transaction takes another way where there may be
/// one (RFC 3261 18.2.2). A datagram that no buffer had room for is none of these: it is lost as on
/// the network, which timers A, E and G are there for.
enum class send_error : std::uint8_t {
  refused,     ///< ICMP error or connection refused: nobody is there
  unreachable, ///< no route, no listener of that transport and family, no permission, port 0
  timed_out,   ///< the connection did not open in time
  closed,      ///< the connection closed with the message still queued, or its flow is gone
  full,        ///< the bytes queued for the connection reached their bound; nothing repeats them
  unsupported, ///< a transport that is not there, by no way: never downgraded (RFC 3261 26.2.2)
};

/// Whether a response that failed so may still arrive by another way (RFC 3261 18.2.2), which has
/// the same transport.
[[nodiscard]] constexpr bool has_other_ways(send_error why) noexcept {
  return why != send_error::unsupported;
}

/// How a request leaves.
struct leaving_way {
  transport_kind transport = transport_kind::udp;
  /// What it states as sent-by in its Via and as host in a Record-Route, host with port where it is
  /// not the default ("192.0.2.1", "[2001:db8::1]:5070"): the listener that answers come back to.
  /// Empty when no listener of that transport and family is there. The view lives as long as the
  /// listener.
  std::string_view sent_by;
};

/// The way out of a shard, for messages and for what the users of the machines are told.
class outbox : public effects_driver {
 public:
  virtual ~outbox() = default;

  /// What the users are told once the machines have returned.
  [[nodiscard]] effects& to_tell() noexcept { return to_tell_; }

  /// The present of this turn of the loop.
  [[nodiscard]] virtual instant now() const noexcept = 0;

  /// The shard's timers.
  [[nodiscard]] virtual timer_wheel& timers() noexcept = 0;

  /// The number of this shard, which stands in our branches: responses come home by it. 0 where
  /// there are no others.
  [[nodiscard]] virtual std::uint16_t shard() const noexcept { return 0; }

  /// How a request of `size` bytes leaves for `to`: by its transport, but by TCP where the choice
  /// is open, the size is over the datagram limit, and the address did not refuse TCP lately (RFC
  /// 3261 18.1.1).
  [[nodiscard]] virtual leaving_way way_for(const target& to, std::size_t size) const noexcept = 0;

  /// The sent-by of what leaves for `to` by its own transport.
  [[nodiscard]] std::string_view sent_by(const target& to) const noexcept {
    return way_for(to, 0).sent_by;
  }

  /// There is a listener of that transport, by which requests may leave for some address.
  [[nodiscard]] virtual bool has(transport_kind kind) const noexcept {
    return kind == transport_kind::udp || kind == transport_kind::tcp;
  }

  /// A registration that was accepted over this connection lasts until then: of the connections
  /// that could make room for others it is among the last to go. Nothing for a flow of datagrams.
  virtual void bind_flow(flow_handle, instant /*until*/) noexcept {}

  /// Sends one whole message, now or when the batch ends; keeps a reference, not a copy. Nobody is
  /// called back from inside: a failure is told later, by transaction_layer::on_send_error, when
  /// none of the machines is running. A message without an address to go to (port 0) fails. One
  /// that cannot be queued for lack of memory is lost; a transaction ends by its timers.
  virtual void send(const target& to, const wire_message& message,
                    origin on_behalf_of) noexcept = 0;

 protected:
  outbox() = default;

 private:
  effects to_tell_{*this};
};

/// The targets from the first on that there is a listener for: a host has addresses of families and
/// transports that not every server has (RFC 3263 4.1). All of them, when there is none for any.
[[nodiscard]] inline std::span<const target> reachable(const outbox& out,
                                                       std::span<const target> targets) noexcept {
  for (std::size_t i = 0; targets.size() > 1 && i < targets.size(); ++i)
    if (!out.sent_by(targets[i]).empty()) return targets.subspan(i);
  return targets;
}

} // namespace tandem::stack

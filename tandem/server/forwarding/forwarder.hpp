// SPDX-License-Identifier: Apache-2.0
// How scripts forward, on one shard: finds where the request goes and hands it to the proxy, with a
// transaction or without one (RFC 3261 16.6, 16.11). Each function suspends the script when a host
// must be looked up. One thread.
#pragma once

#include <tandem/base/sparse_log.hpp>
#include <tandem/server/forwarding/transaction_routes.hpp>
#include <tandem/server/forwarding/way_finder.hpp>
#include <tandem/stack/proxy.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace tandem::server {

class forwarder {
 public:
  explicit forwarder(core& owner);
  forwarder(const forwarder&) = delete;
  forwarder& operator=(const forwarder&) = delete;

  /// t_newtran(): makes the transaction of the request. False, with the context's error, when there
  /// can be none.
  bool begin(message_context& m);

  /// t_relay(): forwards to the Request-URI and the branches, in a failure_route to the branches
  /// alone.
  script::outcome forward(message_context& m);

  /// t_relay_to: the same with a next hop for all ways.
  script::outcome forward_to(message_context& m, std::string_view hop_uri);

  /// t_replicate(): a copy in a transaction of its own, whose replies go nowhere.
  script::outcome replicate(message_context& m, std::string_view hop_uri);

  /// forward(): without a transaction, but for a datagram whose sender was let in by a password.
  script::outcome forward_stateless(message_context& m, std::string_view hop_uri);

  /// send(): the bytes go on as they are.
  script::outcome send_copy(message_context& m, std::string_view hop_uri);

  /// t_reply().
  bool reply(message_context& m, int status, std::string_view reason);

 private:
  /// What to do with the ways once it is known of each where it leads.
  enum class way_use : std::uint8_t { relay, forward_stateless, replicate, send_unchanged };

  script::outcome find_and_use(message_context& m, std::span<way> ways, way_use how);
  script::outcome use(message_context& m, std::span<way> ways, way_use how);
  script::outcome to_hop(message_context& m, std::string_view hop_uri, way_use how);
  script::outcome cancel(message_context& m);
  /// RFC 3261 21.4.1: answers a request whose Route leads nowhere; nothing when it leads somewhere.
  std::optional<script::outcome> refuse_bad_route(message_context& m);
  script::outcome relay_ways(message_context& m, std::span<const way> ways);
  result<unsigned, stack::forward_errc> relay_all(message_context& m, std::span<const way> ways);
  script::outcome send_stateless(message_context& m, const way& w);
  script::outcome send_replica(message_context& m, const way& w);
  script::outcome send_unchanged(message_context& m, const way& w);
  script::outcome refused(message_context& m, stack::forward_errc why);
  /// A line in the log when there is no listener for any of these addresses.
  void tell_when_unreachable(const message_context& m, std::span<const stack::target> targets);

  core& core_;
  transaction_routes& routes_;
  way_finder ways_;
  sparse_log unreachable_;
  sparse_log withheld_;
};

} // namespace tandem::server

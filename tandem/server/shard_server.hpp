// SPDX-License-Identifier: Apache-2.0
// Everything of one shard that serves SIP, in the order in which it stands on each other.
#pragma once

#include <tandem/names/resolver.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/trace.hpp>
#include <tandem/transport/entrance.hpp>
#include <tandem/transport/shard_transport.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace tandem::server {

class shard_server {
 public:
  /// \param trace null for none; outlives this
  shard_server(io::shard& loop, transport::shard_transport& net, services& shared,
               process::spawner& spawner, const std::shared_ptr<const loaded_script>& script,
               trace_file* trace);

  [[nodiscard]] server::core& core() noexcept { return core_; }
  [[nodiscard]] names::resolver& names() noexcept { return hosts_; }
  /// New requests run this script and meet its bounds. On the shard's thread.
  void load(const std::shared_ptr<const loaded_script>& script);
  [[nodiscard]] stack::transaction_layer& transactions() noexcept { return layer_; }

  /// Writes the gauges that are counted only when somebody looks. On the shard's thread.
  void publish();

  /// Refuses new work, and calls `done` on this shard once all that was begun has its answer, or
  /// after `limit`. On the shard's thread.
  void drain(duration limit, std::function<void()> done);

 private:
  /// Looks whether the drain has come to its end.
  struct drain_watch final : timer {
    explicit drain_watch(shard_server& of) noexcept : owner{of} {}
    void on_timer(instant now) override;
    shard_server& owner;
    instant until;
    std::function<void()> done;
  };

  void add_metrics(observe::metrics& to);

  io::shard& loop_;
  transport::shard_transport& net_;
  names::resolver hosts_;
  stack::transaction_layer layer_;
  server::core core_;
  transport::entrance entrance_;
  std::optional<trace_tap> tap_;
  drain_watch drain_;
  gauge& transactions_now_;
  gauge& kept_bytes_now_;
  gauge& connections_now_;
  gauge& dns_answers_now_;
  gauge& dns_bytes_now_;
  gauge& dns_questions_now_;
  gauge& failed_servers_now_;
  counter& datagrams_lost_;
};

} // namespace tandem::server

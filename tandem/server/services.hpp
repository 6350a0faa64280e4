// SPDX-License-Identifier: Apache-2.0
// What all shards share and what outlives a script: our names, the host names of conditions, and
// what modules keep for the process. Filled at start-up; what changes later says how it is guarded.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/queued_writer.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/server/by_type.hpp>
#include <tandem/server/host_watch.hpp>
#include <tandem/server/own_names.hpp>
#include <tandem/storage/locations.hpp>

#include <memory>
#include <mutex>

namespace tandem::server {

struct services {
  /// Who we are. This and condition_hosts are what the next script to be loaded will know: it keeps
  /// a copy, which its requests see. Written and read where scripts are loaded, by one thread.
  own_names names;

  /// Keys the hashes of the process: To-tags, branches, marks in Record-Route.
  hash_key secret = hash_key::random();

  /// Who has the location tables: the module that keeps contacts, which says so when the first
  /// script is loaded and then stays. Null before that.
  storage::locations* locations = nullptr;

  /// What a module keeps for the process, made with `State(services&)` when it is asked for first.
  /// It outlives scripts and cores. Any thread; not from inside of a State's constructor.
  template <typename State>
  [[nodiscard]] State& state() {
    const std::lock_guard lock{mutex_};
    return states_.get<State>(*this);
  }

  /// Addresses that the names in conditions (`src_ip == backup.example.com`) stand for, resolved
  /// before the script runs.
  host_addresses condition_hosts;

  /// What everybody counts. Any thread.
  observe::metrics metrics;

  /// Standard output, for scripts that print. Any thread.
  queued_writer standard_output;

  services();

 private:
  std::mutex mutex_; ///< guards what follows
  states<services> states_;
};

} // namespace tandem::server

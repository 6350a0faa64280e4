// SPDX-License-Identifier: Apache-2.0
// What all shards share and what outlives a script: the location tables, our names, the host names
// of conditions. Filled at start-up; what changes later says how it is guarded.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/queued_writer.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/server/host_watch.hpp>
#include <tandem/server/own_names.hpp>
#include <tandem/storage/location.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {

struct services {
  /// Who we are. This and condition_hosts are what the next script to be loaded will know: it keeps
  /// a copy, which its requests see. Written and read where scripts are loaded, by one thread.
  own_names names;

  /// Keys the hashes of the process: To-tags, branches, marks in Record-Route.
  hash_key secret = hash_key::random();

  /// The location table of that name, made when it is new. Tables live as long as the process.
  /// Any thread.
  [[nodiscard]] storage::location_table& location(std::string_view table);

  /// Sets the bounds of tables that are made later. Any thread.
  /// \return false, with nothing set, when there is a table and it has other bounds
  bool limit_locations(const storage::location_limits& bounds);

  /// Calls f(table) for each location table. Any thread.
  template <typename F>
  void for_each_location(F&& f) {
    const std::lock_guard lock{mutex_};
    for (auto& entry : locations_) f(*entry.second);
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
  std::mutex mutex_; ///< guards what follows, not what is in the tables
  storage::location_limits location_limits_;
  std::map<std::string, std::unique_ptr<storage::location_table>, std::less<>> locations_;
};

} // namespace tandem::server

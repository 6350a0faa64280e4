// SPDX-License-Identifier: Apache-2.0
// The statistics that SIGUSR1 asks for: the counters of all shards, added up and written as text.
#pragma once

#include <tandem/server/shard_server.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace tandem::server {

class statistics_sum {
 public:
  explicit statistics_sum(unsigned shards) noexcept : missing_{shards} {}

  /// Adds a shard's counters, on its thread. True for the last one.
  bool add(shard_server& of);

  /// Appends to the file, or to the log when the path is empty.
  void write(const std::string& path, services& shared) const;

 private:
  std::mutex mutex_;
  unsigned missing_;
  std::map<std::string, std::uint64_t> values_;
};

} // namespace tandem::server

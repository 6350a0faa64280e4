// SPDX-License-Identifier: Apache-2.0
// The statistics that SIGUSR1 asks for: the counters of all shards, added up and written as text.
#pragma once

#include <tandem/base/queued_writer.hpp>
#include <tandem/server/shard_server.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace tandem::server {

class statistics_sum {
 public:
  explicit statistics_sum(unsigned shards) noexcept : missing_{shards} {}

  /// Adds a shard's counters, on its thread. True for the last one.
  bool add(shard_server& of);

  /// All lines, and the contacts of each table.
  [[nodiscard]] std::string to_text(services& shared) const;

 private:
  std::mutex mutex_;
  unsigned missing_;
  std::map<std::string, std::uint64_t> values_;
};

/// Where they go: to a file or, without one, into the log. A thread of its own writes the file,
/// since a disk may be slow and a named pipe without a reader.
class statistics_output {
 public:
  statistics_output();

  /// Appends the text to the file `path`; to the log when that is empty. Never waits. Any thread.
  void write(const std::string& path, std::string_view text);

 private:
  queued_writer file_;
};

} // namespace tandem::server

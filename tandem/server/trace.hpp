// SPDX-License-Identifier: Apache-2.0
// The trace that `tandemd --trace FILE` writes: one JSON object a line for each message, which
// scripts/ladder draws. Each shard has a tap; a thread of its own writes the file, which may be a
// pipe that nobody reads: then lines are lost, and a line {"time": ..., "lost": N} says how many.
#pragma once

#include <tandem/base/queued_writer.hpp>
#include <tandem/transport/tap.hpp>

#include <string>

namespace tandem::server {

class trace_file {
 public:
  /// Appends to the file. Throws start_error when it cannot be opened.
  explicit trace_file(const std::string& path);

  /// Never waits. Any thread.
  void write_line(std::string_view line) noexcept { lines_.put(line); }

 private:
  queued_writer lines_;
};

class trace_tap final : public transport::tap {
 public:
  /// \param to outlives the tap.
  explicit trace_tap(trace_file& to) noexcept : file_{to} {}

  void on_message(const transport::tapped& seen) override;

 private:
  trace_file& file_;
  std::string line_;
};

} // namespace tandem::server

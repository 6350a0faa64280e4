// SPDX-License-Identifier: Apache-2.0
// The trace that `tandemd --trace FILE` writes: one JSON object a line for each message, which
// scripts/ladder draws. Each shard has a tap; the file is shared, and a line is written in one
// call.
#pragma once

#include <tandem/transport/tap.hpp>

#include <chrono>
#include <string>

namespace tandem::server {

class trace_file {
 public:
  /// Appends to the file. Throws start_error when it cannot be opened.
  explicit trace_file(const std::string& path);
  ~trace_file();
  trace_file(const trace_file&) = delete;
  trace_file& operator=(const trace_file&) = delete;

  /// Any thread.
  void write_line(std::string_view line) const noexcept;

 private:
  int fd_;
};

class trace_tap final : public transport::tap {
 public:
  /// \param to outlives the tap.
  explicit trace_tap(const trace_file& to) noexcept : file_{to} {}

  void on_message(const transport::tapped& seen) override;

 private:
  const trace_file& file_;
  std::string line_;
};

} // namespace tandem::server

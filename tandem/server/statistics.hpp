// SPDX-License-Identifier: Apache-2.0
// The statistics that SIGUSR1 asks for: the metrics of the server as text.
#pragma once

#include <tandem/base/queued_writer.hpp>
#include <tandem/observe/metrics.hpp>

#include <string>
#include <string_view>

namespace tandem::server {

/// A line for each metric of the server, by name: "tandem_connections: 3".
[[nodiscard]] std::string statistics_text(const observe::metrics& of);

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

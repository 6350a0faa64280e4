// SPDX-License-Identifier: Apache-2.0
// The certificates of a running server: read again, aside, when their files change or when somebody
// asks; a file with a fault changes nothing. On shard 0.
#pragma once

#include <tandem/io/file_watch.hpp>
#include <tandem/script/program.hpp>
#include <tandem/server/disk_thread.hpp>
#include <tandem/server/path_in_root.hpp>
#include <tandem/transport/tls_contexts.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::server {

class certificate_renewal {
 public:
  /// Gets contexts that could be made: connections are made with them from now on.
  using use_handler = std::function<void(const transport::tls_contexts&)>;
  /// Gets what is wrong with the files; nothing when they are used now.
  using result_handler = std::function<void(const std::string& problem)>;

  /// \param paths outlives this
  certificate_renewal(io::shard& loop, const path_in_root& paths, use_handler use);

  /// These count now, and the files that the script names are watched in place of those before.
  /// Once the root has changed.
  void follow(std::shared_ptr<const script::program> named_by, transport::tls_contexts now);

  /// Reads the files again. `done` is called once, later; the log says the same.
  void reload(result_handler done);

  /// Days until the first of our certificates expires, less than 0 when it has; nothing before
  /// follow().
  [[nodiscard]] std::optional<double> days_left() const;

 private:
  struct reading;
  void begin();
  void finish(reading& of);

  const path_in_root& paths_;
  const use_handler use_;
  std::shared_ptr<const script::program> named_by_;
  transport::tls_contexts now_;
  std::vector<result_handler> waiting_; ///< for the next reading
  bool is_reading_ = false;
  io::file_watch watch_;
  disk_thread disk_; ///< last: its thread reads what stands above
};

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// Reading the script again while the server runs: aside, on a thread, since no shard waits for a
// disk; then the names in its conditions are looked up, and it is loaded. A script with a fault
// changes nothing. On shard 0.
#pragma once

#include <tandem/control/role.hpp>
#include <tandem/server/disk_thread.hpp>
#include <tandem/server/host_watch.hpp>
#include <tandem/server/loaded_script.hpp>
#include <tandem/server/path_in_root.hpp>
#include <tandem/transport/listen_point.hpp>
#include <tandem/transport/listeners.hpp>
#include <tandem/transport/tls_contexts.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::server {

/// What came of a reload, or would come of it.
struct reload_result {
  bool is_good = false;
  std::string complaints;                 ///< errors and warnings, as -c prints them
  std::vector<std::string> needs_restart; ///< parameters that differ and are fixed at start-up
};

/// What stands in files that the script names, as far as they could be read.
struct files_of_script {
  std::optional<control::access_tokens> tokens = std::nullopt; ///< of the HTTP port
  std::optional<transport::tls_contexts> tls = std::nullopt;   ///< where TLS is listened for
};

/// The server as scripts that are loaded later find it; all of it outlives the reloader.
struct reload_surroundings {
  const script_loader& loader;
  services& shared;
  std::shared_ptr<const script::program> started; ///< the script of the start
  const path_in_root& paths;                      ///< where the server finds what the script names
  std::optional<std::string> path; ///< of the script, as the server finds it; nothing: outside
  const transport::listener_table& listeners;
  const std::vector<transport::listen_point>& points; ///< what they were made of
};

class reloader {
 public:
  using result_handler = std::function<void(const reload_result&)>;
  /// Gets a script that was loaded, with its files; calls back when every shard runs it.
  using take_over_handler = std::function<void(std::shared_ptr<const loaded_script>,
                                               files_of_script, std::function<void()> then)>;

  /// \param on_hosts gets the addresses of names in conditions, as host_watch tells them
  reloader(io::shard& loop, reload_surroundings on, take_over_handler take_over,
           host_watch::change_handler on_hosts);

  /// Before the loop runs: looks up the names of the script of the start, and watches them from
  /// then on.
  void prepare();

  /// Reads the script again. `done` is called once, with is_good when it was taken over; the log
  /// says the same. While another one is being read, it is refused. Without memory for an answer
  /// `done` is destroyed.
  void reload(result_handler done);

  /// Says what a reload would, and changes nothing.
  void check(result_handler done);

 private:
  struct reading;
  void read(const std::shared_ptr<reading>& of);
  void read_files(reading& of) const noexcept;
  void finish(const std::shared_ptr<reading>& of, host_addresses found);

  io::shard& loop_;
  reload_surroundings on_;
  take_over_handler take_over_;
  names::resolver resolver_;
  host_watch hosts_;
  std::weak_ptr<reading> current_; ///< what is going on, until it was told
  disk_thread disk_;               ///< last: its thread reads what stands above
};

} // namespace tandem::server

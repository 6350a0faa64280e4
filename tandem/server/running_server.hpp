// SPDX-License-Identifier: Apache-2.0
// The server while it runs: its shards with all that stands on them, what signals and commands ask
// of it. Made by the main thread, which becomes shard 0; but for what says otherwise, its functions
// run there.
#pragma once

#include <tandem/base/log.hpp>
#include <tandem/control/command_registry.hpp>
#include <tandem/io/gather.hpp>
#include <tandem/io/shard_group.hpp>
#include <tandem/process/spawner.hpp>
#include <tandem/server/application_fifo.hpp>
#include <tandem/server/certificate_renewal.hpp>
#include <tandem/server/control_socket.hpp>
#include <tandem/server/http_door.hpp>
#include <tandem/server/loaded_script.hpp>
#include <tandem/server/options.hpp>
#include <tandem/server/reloader.hpp>
#include <tandem/server/shard_server.hpp>
#include <tandem/server/statistics.hpp>
#include <tandem/server/trace.hpp>
#include <tandem/transport/transport.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {

/// How grave lines must be to be logged: `debug` of the script, and one more for each -d.
[[nodiscard]] log_level level_for(const options& wanted, const core_settings& set) noexcept;

class running_server {
 public:
  /// Opens the sockets. Throws start_error when it cannot start. All that is given outlives it.
  /// \param becomes who the server will be when it runs
  running_server(const options& wanted, const script_loader& loader,
                 const std::shared_ptr<const script::program>& program, const path_in_root& paths,
                 const account& becomes, process::spawner& spawner, services& shared);
  ~running_server();
  running_server(const running_server&) = delete;
  running_server& operator=(const running_server&) = delete;

  /// Runs until it is told to stop.
  void run(const std::function<void()>& on_ready);

  // --- for commands

  [[nodiscard]] services& shared() noexcept { return shared_; }
  [[nodiscard]] reloader& scripts() noexcept { return *reloader_; }
  /// Null where TLS is not listened for.
  [[nodiscard]] certificate_renewal* certificates() noexcept {
    return certificates_ ? &*certificates_ : nullptr;
  }
  /// What runs on a shard; on that shard's thread.
  [[nodiscard]] shard_server& at(io::shard& shard) noexcept { return *parts_[shard.index()]; }
  [[nodiscard]] const transport::listener_table& listeners() const noexcept {
    return net_->listeners();
  }
  /// The id of the thread that serves the FIFO, when there is one.
  [[nodiscard]] std::optional<pid_t> fifo_thread() const noexcept {
    return fifo_ ? std::optional{fifo_->thread()} : std::nullopt;
  }
  /// How long requests in progress have to end when nobody says otherwise.
  static constexpr duration usual_drain = seconds{10};
  /// Refuses new requests from now on, and ends run() once those in progress have ended, after
  /// `limit` at the latest. On shard 0. \param why for the log
  /// \return false when that has begun already; nothing changes then
  [[nodiscard]] bool drain(std::string_view why, duration limit);
  /// Has every shard write what it only counts when somebody looks, then calls back. What a shard
  /// that hangs would write stays as it was.
  void refresh_metrics(std::function<void()> then);

 private:
  [[nodiscard]] std::vector<ip_address> addresses_of(const std::string& name,
                                                     const script::program& program);
  void open_http();
  void warn_of_strangers() const;
  [[nodiscard]] std::string why_not_ready() const;
  [[nodiscard]] std::string certificate_remark() const;
  void on_signal(int number);
  void stop(int number);
  /// Connections from now on are made with these; those that are open keep theirs.
  void renew_tls(const transport::tls_contexts& next);
  void take_over(std::shared_ptr<const loaded_script> next, std::function<void()> then);
  void write_statistics();

  const options& wanted_;
  process::spawner& spawner_;
  services& shared_;
  io::shard_group shards_;
  io::gather gather_;
  control::command_registry commands_;
  std::vector<transport::listen_point> points_;
  std::optional<transport::transport> net_;
  std::optional<trace_file> trace_;
  statistics_output statistics_;
  std::shared_ptr<const loaded_script> script_;
  std::vector<std::unique_ptr<shard_server>> parts_;
  transport::tls_contexts tls_; ///< of the start, until the loops run
  std::optional<certificate_renewal> certificates_;
  std::optional<reloader> reloader_;
  std::optional<http_door> http_;
  std::unique_ptr<control::socket_door> socket_;
  std::optional<application_fifo> fifo_;
  std::vector<std::unique_ptr<module_work>> work_; ///< of modules
  bool is_stopping_ = false;
  std::atomic<unsigned> still_draining_ = 0;
};

} // namespace tandem::server

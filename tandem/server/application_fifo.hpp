// SPDX-License-Identifier: Apache-2.0
// The FIFO of the server (`fifo` in the script): its thread, and the way from there to the commands
// and back. Made and destroyed on the thread of shard 0, while no loop runs.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/control/fifo_door.hpp>
#include <tandem/io/named_pipe.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/script/program.hpp>
#include <tandem/server/path_in_root.hpp>
#include <tandem/server/privileges.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <thread>

namespace tandem::server {

/// What the script says of the FIFO; nothing when it wants none.
struct fifo_settings {
  io::placed_file file;
  std::string replies; ///< path of the reply folder, as the server finds it when it runs
  control::role gives = control::role::change;
  /// The file's group has less over the socket: told at the start.
  bool gives_group_more = false;

  /// Throws start_error when something of it cannot be.
  [[nodiscard]] static std::optional<fifo_settings>
  of(const script::program& program, const account& becomes, const path_in_root& paths);
};

class application_fifo {
 public:
  /// Makes the FIFO, before the server becomes another user. Throws start_error when it cannot.
  /// \param commands all of them, run on `commands_loop`; both outlive this, and so does `counted`
  application_fifo(io::shard& commands_loop, control::command_registry& commands,
                   const fifo_settings& set, observe::metrics& counted);
  application_fifo(const application_fifo&) = delete;
  application_fifo& operator=(const application_fifo&) = delete;
  /// Gives replies that are on their way a moment.
  ~application_fifo();

  /// Begins to serve.
  void start();
  /// The id of its thread; 0 before it serves.
  [[nodiscard]] pid_t thread() const noexcept { return id_; }

 private:
  void ask(control::fifo_request request, std::function<void(control::fifo_door::answer)> done);
  void run(const control::fifo_request& request,
           const std::function<void(control::fifo_door::answer)>& done);

  io::shard& commands_loop_;
  control::command_registry& commands_;
  control::caller by_;
  io::shard loop_;
  std::optional<control::fifo_door> door_;
  io::removal file_; ///< goes while the pipe is locked: no other program begins to read it before
  std::atomic<pid_t> id_ = 0;
  std::thread thread_;
};

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// The process that starts children for all shards: forked before any thread, so that no shard pays
// for a fork or waits for an execve. Start it once at start-up; everything else from any thread.
// Its death and its silence (its own children may stop it: they are of its user) are noticed by the
// runners: wake() and replace() deal with the silent one, open_channel() starts another. A server
// that is root now and becomes somebody else than its children forks a keeper, which does that for
// it (keeper.hpp).
#pragma once

#include <tandem/base/result.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tandem::process {

/// Who the children are, when they are not to be who the server is.
struct child_user {
  uid_t uid;
  gid_t gid;
  std::vector<gid_t> groups;
};

/// Finds a user of the system by name. Blocking: only at start-up. Nothing when there is none.
[[nodiscard]] std::optional<child_user> find_user(const std::string& name);

/// What every child is held to. 0 leaves a limit as the server has it. No child dumps core.
struct child_limits {
  std::uint64_t cpu_seconds = 0;
  std::uint64_t memory_bytes = 0; ///< address space
  std::uint64_t file_bytes = 0;   ///< largest file it may write
  std::uint64_t open_files = 256; ///< descriptors
  std::uint64_t processes = 0;    ///< of its user
  int niceness =
      0; ///< added to the server's own, so that it runs first (nice(2)); at most 19 in all
};

/// NAME=value of this process, for spawner_options::environment.
[[nodiscard]] std::vector<std::string> own_environment();

struct spawner_options {
  std::optional<child_user> user =
      {}; ///< the spawner becomes this user itself, so no child can be more
  std::optional<child_user> server = {}; ///< who this process becomes soon; nothing: it stays
  std::string root = {};        ///< of the file system, for chroot; empty: as the server has it
  std::string work_folder = {}; ///< within it; empty: as the server has it
  child_limits limits = {};
  std::vector<std::string> environment = own_environment(); ///< NAME=value that children inherit
};

/// A way to speak spawn_wire.hpp with the spawner process.
struct spawner_channel {
  int descriptor; ///< non-blocking, SOCK_SEQPACKET, close-on-exec; the caller's to close, which
                  ///< kills the children that were started through it
  std::uint64_t number; ///< tells the spawner at its other end from those before and after
};

class spawner {
 public:
  /// Forks the spawner process. Throws std::system_error when it cannot: a fault of start-up.
  explicit spawner(spawner_options options = spawner_options{});
  spawner(const spawner&) = delete;
  spawner& operator=(const spawner&) = delete;

  /// Ends the spawner process and, by SIGKILL, every child it runs. Waits three seconds at most,
  /// whatever state it is in.
  ~spawner();

  /// When the spawner has died, starts another first, at most one a second.
  /// \return the errno when there is no channel to be had now.
  [[nodiscard]] result<spawner_channel, int> open_channel();

  /// The process has not answered: continues it, in case that it was stopped (SIGCONT).
  void wake() noexcept;

  /// It did not answer after wake() either: kills it, so that its channels end; the next
  /// open_channel() starts another. No effect when another has taken the place of the one that the
  /// channel `silent` leads to.
  void replace(std::uint64_t silent) noexcept;

  /// Whom the children are to be; nothing: who this process is.
  [[nodiscard]] const std::optional<child_user>& user() const noexcept;

  /// The process that this one has forked: the spawner, or its keeper. For tests.
  [[nodiscard]] pid_t pid() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace tandem::process

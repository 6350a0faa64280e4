// SPDX-License-Identifier: Apache-2.0
// Becoming a service: background, pid file, folder, root, user. Called once at start-up, in this
// order, by the only thread; every failure throws start_error with cause and remedy.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <sys/types.h>

namespace tandem::server {

/// Why the server does not start, for its operator to read.
class start_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Leaves the terminal: a child goes on in a session of its own, and the caller's process waits for
/// ready() of the returned object before it exits 0, or exits 1 when the child dies before.
class background {
 public:
  background();
  ~background();
  background(const background&) = delete;
  background& operator=(const background&) = delete;

  /// Tells the waiting parent that the service is up, and points standard input, output and error
  /// to /dev/null.
  void ready();

 private:
  int to_parent_ = -1;
  int null_ = -1; ///< /dev/null, opened before another root may hide it
};

/// Writes the process id; removed again when this object dies. Refuses to overwrite the file of a
/// server that is alive.
class pid_file {
 public:
  explicit pid_file(std::string path);
  ~pid_file();
  pid_file(const pid_file&) = delete;
  pid_file& operator=(const pid_file&) = delete;

 private:
  std::string path_;
  int owner_ = 0;
};

/// What to become; empty: stay as it is.
struct identity {
  std::optional<std::string> user, group, root, work_folder;
};

/// Who that is; nothing: who the server is now.
struct account {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

/// Finds user and group by name or number; without a group, that of the user. Throws start_error
/// when there is none of that name.
[[nodiscard]] account find_account(const identity& who);

/// Changes root, folder, group and user, in this order, and makes sure there is no way back.
void assume(const identity& who);

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// Becoming a service: into the background, and a pid file. At start-up, by the only thread, in this
// order; every failure throws service_error with cause and remedy:
//
//   io::background daemon;              // the command waits in the terminal from here on
//   ... open sockets ...
//   io::pid_file pid{"/run/x.pid"};     // before the user changes
//   ... become another user ...
//   daemon.ready();                     // the command returns with 0
#pragma once

#include <stdexcept>
#include <string>
#include <sys/types.h>

namespace tandem::io {

/// Why the service does not start, for its operator to read.
class service_error : public std::runtime_error {
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

/// A file with the process id, held by a lock as long as this object lives: who has the lock runs,
/// whatever number is in a file that an ended process has left. Only a plain file with one name is
/// written, never through a symbolic link.
class pid_file {
 public:
  /// Throws when another process holds the file, or when it cannot be written.
  explicit pid_file(const std::string& path);
  /// Removes the file; where the process may not do so any more, since it has become another user
  /// or has another root, the file stays and is empty. Does nothing in a child of the process.
  ~pid_file();
  pid_file(const pid_file&) = delete;
  pid_file& operator=(const pid_file&) = delete;

 private:
  [[nodiscard]] bool is_still_at_path() const noexcept;
  void fail(const std::string& why);

  std::string path_; ///< absolute
  int file_ = -1;
  pid_t owner_ = 0;
};

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// What another process needs to go on with our sessions, in a file of SQLite that only one process
// can have open at a time. A thread of its own writes: all that has come together meanwhile goes
// into one transaction. It outlives kill -9; what a machine that lost its power did not write is as
// old as its sessions by then.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/xmpp/client.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

namespace tandem::xmpp {

struct stored_session {
  std::string url = {}; ///< that it was posted to
  client_snapshot snapshot = {};
  std::int64_t kept_at = 0; ///< milliseconds since 1970

  friend bool operator==(const stored_session&, const stored_session&) = default;
};

class session_store {
 public:
  /// Opens or makes the file, for its owner alone. It blocks; call it at start-up.
  /// \return what is wrong with the file and what to do about it.
  [[nodiscard]] static result<std::unique_ptr<session_store>, std::string>
  open(const std::string& path);
  session_store(const session_store&) = delete;
  session_store& operator=(const session_store&) = delete;
  /// Writes what was given to it.
  ~session_store();

  /// What another process has left, by name. Valid until open() was long ago: it is not kept up.
  [[nodiscard]] const std::unordered_map<std::string, stored_session>& found() const noexcept;

  /// To be written; the newest of a name wins. Any thread.
  void put(const std::string& name, stored_session row);
  void erase(const std::string& name);

  /// Calls `done` on the loop once all that was given so far is in the file, or could not be
  /// written. The loop outlives this.
  void when_kept(io::shard& loop, std::function<void(bool is_kept)> done);

 private:
  class impl;
  explicit session_store(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

/// Milliseconds since 1970, for stored_session::kept_at.
[[nodiscard]] std::int64_t wall_milliseconds() noexcept;

} // namespace tandem::xmpp

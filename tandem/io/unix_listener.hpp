// SPDX-License-Identifier: Apache-2.0
// A listening stream socket that is a file: whoever may write to the file may connect, and the
// kernel tells who that is. Used on the shard's thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/io/acceptor.hpp>
#include <tandem/io/placed_file.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tandem::io {

/// Who connected, as the kernel saw it then (SO_PEERCRED, SO_PEERGROUPS of unix(7)).
struct unix_peer {
  pid_t pid = 0;
  uid_t uid = 0;
  std::vector<gid_t> groups = {}; ///< the effective one, and the supplementary ones
};

/// Nothing when the kernel does not tell.
[[nodiscard]] std::optional<unix_peer> peer_of(int connection);

class unix_listener {
 public:
  /// Gets each connection: non-blocking, close-on-exec, of a peer whom the kernel has named. It may
  /// not destroy the listener.
  using accept_handler = std::function<void(unique_fd connection, const unix_peer& peer)>;

  /// Makes the file and listens. No symbolic link is followed at its name. A socket that nobody
  /// listens at is replaced; any other file stays, and so does the socket of a running program.
  /// Nobody else may be able to replace files of the folder (why_unsafe). Blocks.
  /// \return the listener, or why there is none.
  [[nodiscard]] static result<std::unique_ptr<unix_listener>, std::string>
  listen(shard& loop, placed_file file, accept_handler on_accept);

  unix_listener(const unix_listener&) = delete;
  unix_listener& operator=(const unix_listener&) = delete;

 private:
  unix_listener(shard& loop, unique_fd fd, removal file, const std::string& name,
                accept_handler on_accept);

  acceptor acceptor_;
  removal file_; ///< goes while it listens: no other program takes it for a stale one before
};

} // namespace tandem::io

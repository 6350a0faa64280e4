// SPDX-License-Identifier: Apache-2.0
// What the process becomes once its sockets are open: folder, root, group, user. Called once at
// start-up by the only thread; every failure throws start_error with cause and remedy.
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
/// when there is none of that name, or when a user by number has no known group: it would keep the
/// one of root.
[[nodiscard]] account find_account(const identity& who);

/// Who a server becomes that root starts without naming a user: `tandem` where there is one, else
/// `nobody`. Empty for a server that is not started by root.
[[nodiscard]] std::optional<std::string> default_user();

/// Throws start_error when the root or the folder is not there, as assume() would.
void check_folders(const identity& who);

/// Changes root, folder, group and user, in this order, and makes sure there is no way back.
void assume(const identity& who);

} // namespace tandem::server

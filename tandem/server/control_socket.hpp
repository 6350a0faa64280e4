// SPDX-License-Identifier: Apache-2.0
// The unix socket of the server, for `tandemctl` and whoever else is on this machine: where it is
// and who may do what there. On shard 0.
#pragma once

#include <tandem/control/socket_door.hpp>
#include <tandem/script/program.hpp>
#include <tandem/server/path_in_root.hpp>
#include <tandem/server/privileges.hpp>

#include <memory>

namespace tandem::server {

/// Whom the script lets in (control_group, control_group_role). Throws start_error when there is no
/// such group.
[[nodiscard]] control::socket_access control_access(const script::program& program,
                                                    const account& becomes);

/// Opens the socket, before the server becomes another user; its file then belongs to that one.
/// \return the door; null where the script wants none, and where it says nothing and the usual
/// place is not to be had: the log tells. Throws start_error when a place of the script's choice is
/// not to be had. \param loop, commands outlive the door
[[nodiscard]] std::unique_ptr<control::socket_door>
open_control_socket(io::shard& loop, control::command_registry& commands,
                    const script::program& program, const account& becomes,
                    const path_in_root& paths);

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// Commands about the process, with the names and texts that they always had over the FIFO: print,
// uptime, version, pwd, arg, which, ps, kill. On shard 0.
#pragma once

#include <tandem/control/command_registry.hpp>

namespace tandem::server {

class running_server;

/// \param of outlives the commands
void add_process_commands(control::command_registry& to, running_server& of);

} // namespace tandem::server

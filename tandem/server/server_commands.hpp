// SPDX-License-Identifier: Apache-2.0
// What operators ask the server itself for; modules bring commands of their own (module_entry).
#pragma once

#include <tandem/control/command_registry.hpp>

namespace tandem::server {

class running_server;

/// version, stats, loglevel, config.check, config.reload, tm.list.
/// \param of outlives the registry
void add_server_commands(control::command_registry& to, running_server& of);

} // namespace tandem::server

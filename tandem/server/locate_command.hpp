// SPDX-License-Identifier: Apache-2.0
// The command that shows how a URI is followed to its servers (RFC 3263).
#pragma once

#include <tandem/control/command_registry.hpp>

namespace tandem::server {

class shard_server;

/// Adds `locate`. \param of the shard 0, whose resolver answers; outlives the registry's calls
void add_locate_command(control::command_registry& to, shard_server& of);

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// The server as a whole: reads the script, opens the sockets, runs a core on each shard, reloads,
// drains and ends. Made and run by the main thread.
#pragma once

#include <tandem/server/loaded_script.hpp>
#include <tandem/server/options.hpp>

#include <span>

namespace tandem::server {

/// What a start would say of the script and of the command line, without opening anything: the
/// faults of the script are in the result. Throws start_error where a start would for another
/// reason.
[[nodiscard]] script::diagnostics check(const options& wanted,
                                        std::span<const module_entry> modules);

/// Runs the server until it is told to stop (TERM, INT). HUP reads the script again; USR1 writes
/// the statistics. Throws start_error with cause and remedy when it can not start.
/// \return the exit status.
int serve(const options& wanted, std::span<const module_entry> modules);

} // namespace tandem::server

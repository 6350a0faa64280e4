// SPDX-License-Identifier: Apache-2.0
// The inside of the spawner process. It may be forked from a process with threads (when it has to
// be started again), so it allocates nothing, takes no lock and calls only what a signal handler
// may call.
#pragma once

#include <tandem/process/spawner.hpp>

namespace tandem::process {

/// Runs in the forked process and never returns. `control` is where channels come from, as single
/// bytes with a descriptor; its end is the end of the spawner and of all children.
/// \param environment null-ended NAME=value pointers that stay where they are.
[[noreturn]] void run_spawner(int control, const spawner_options& options,
                              const char* const* environment) noexcept;

} // namespace tandem::process

// SPDX-License-Identifier: Apache-2.0
// What a process does first that was forked to be a program of its own, and how its end is awaited.
#pragma once

#include <tandem/base/clock.hpp>

#include <string>
#include <sys/types.h>

namespace tandem::process {

/// In the process that was forked: default signals, none blocked but SIGCHLD, a session of its own,
/// no core dumps, /dev/null at 0 to 2 and nothing of the server's open but `control`. Ends the
/// process with 125 when it cannot.
/// \return where `control` stands now.
[[nodiscard]] int begin_forked(const char* name, int control) noexcept;

/// Changes root and folder, of which either may be empty. Ends the process with 126 when it cannot.
void enter_folders(const std::string& root, const std::string& work_folder) noexcept;

/// Takes the end of a child; false when it has not ended after that time.
[[nodiscard]] bool ends_within(pid_t child, duration time) noexcept;

} // namespace tandem::process

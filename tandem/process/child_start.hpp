// SPDX-License-Identifier: Apache-2.0
// How the spawner process makes a child: what happens between clone and execve. Takes no memory and
// no lock. The caller has no handlers of signals, and /dev/null at 0 to 2.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/process/spawner.hpp>

#include <array>
#include <cstddef>
#include <sys/types.h>

namespace tandem::process {

struct child_plan {
  const char* const* direct;      ///< null-ended arguments that are tried first, or null
  const char* const* arguments;   ///< null-ended
  const char* const* environment; ///< null-ended
  std::array<int, 3> descriptors; ///< what become 0 to 2, each 3 or above; -1: /dev/null
  const char* input;              ///< null, or what a file at descriptor 0 is to hold
  std::size_t input_size;
  const child_limits* limits;
  pid_t spawner; ///< this process: its death is the child's
};

/// Starts the child and returns when it runs its program.
/// \return its id, or the errno of what failed.
[[nodiscard]] result<pid_t, int> start_child(const child_plan& plan) noexcept;

} // namespace tandem::process

// SPDX-License-Identifier: Apache-2.0
// What a child process is to run, and how a request to the spawner says it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::process {

/// What to run. The program is searched in the child's PATH unless its name has a slash.
struct child_command {
  std::vector<std::string> arguments;   ///< the program and its arguments; no shell sees them
  std::vector<std::string> direct = {}; ///< empty, or what is tried first: the path of a program,
                                        ///< and its arguments
  std::string environment = {};     ///< NAME=value, each ended by NUL; they replace inherited ones
  bool inherits_environment = true; ///< the spawner's environment goes below `environment`

  /// `/bin/sh -c text`, with `parameters` as $1, $2 ...: they are never read as shell text. A text
  /// in which a shell would only find a program and its arguments runs that without one; when it
  /// cannot be run, the shell says why.
  [[nodiscard]] static child_command shell(std::string_view text,
                                           std::vector<std::string> parameters = {});
};

/// The strings of a request (spawn_wire.hpp), each ended by NUL; nothing when they are too many,
/// too long or hold a NUL themselves.
[[nodiscard]] std::optional<std::string> pack(const child_command& command);

} // namespace tandem::process

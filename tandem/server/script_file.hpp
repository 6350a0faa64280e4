// SPDX-License-Identifier: Apache-2.0
// Reading a script's file whole. Blocks on the disk; any thread but a shard's.
#pragma once

#include <string>

namespace tandem::server {

/// The text of the file. Read again when it changed in between. Throws start_error with the cause
/// when it cannot be read, is a directory, is longer than any script, or never stays the same.
[[nodiscard]] std::string read_script(const std::string& path);

/// The same of a file that nobody has touched for a fifth of a second: half of a script may be one
/// that compiles. Waits up to 5 s for that, then throws start_error.
[[nodiscard]] std::string read_settled_script(const std::string& path);

} // namespace tandem::server

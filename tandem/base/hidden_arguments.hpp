// SPDX-License-Identifier: Apache-2.0
// Secrets on a command line: everybody on the machine may read the arguments of a process (ps).
#pragma once

#include <initializer_list>
#include <string_view>

namespace tandem {

/// Overwrites the values of these options, `--token VALUE` and `--token=VALUE`, with asterisks,
/// once they were read. Until then they could be seen: a file or the environment is better.
void hide_arguments(int argc, char** argv,
                    std::initializer_list<std::string_view> options) noexcept;

} // namespace tandem

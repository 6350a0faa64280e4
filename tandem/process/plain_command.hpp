// SPDX-License-Identifier: Apache-2.0
// Command lines that a shell would only hand on: the path of a program and words in which nothing
// has a meaning to a shell. Such a program is run without one, at half the cost. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::process {

/// The program and its arguments when `text` is no more than an absolute path and plain words, of
/// which "$1" (with its quotes) stands for the first of `parameters`; empty when it takes a shell.
[[nodiscard]] std::vector<std::string> plain_command(std::string_view text,
                                                     const std::vector<std::string>& parameters);

} // namespace tandem::process

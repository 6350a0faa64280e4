// SPDX-License-Identifier: Apache-2.0
// Completion of command lines: the shells ask this program what could come next. Any thread.
#pragma once

#include <tandem/ctl/catalog.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::ctl {

/// The script that teaches a shell to complete `tandemctl`: of bash or of zsh. Nothing for any
/// other shell.
[[nodiscard]] std::optional<std::string_view> completion_script(std::string_view shell) noexcept;

/// What the last word could become: the words of a command's name, then the names of arguments that
/// are not given yet. Nothing when the program cannot be asked.
[[nodiscard]] std::vector<std::string> complete(const asker& ask,
                                                const std::vector<std::string>& words);

} // namespace tandem::ctl

// SPDX-License-Identifier: Apache-2.0
// The manual of a program's commands, made from their declarations. Any thread.
#pragma once

#include <tandem/ctl/catalog.hpp>

#include <string>

namespace tandem::ctl {

/// A line for each command.
[[nodiscard]] std::string list_commands(const catalog& all);

/// The page of one command: how it is called, what its arguments and its answer are, who may.
[[nodiscard]] std::string page_of(const declared_command& of);

} // namespace tandem::ctl

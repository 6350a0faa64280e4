// SPDX-License-Identifier: Apache-2.0
// Scripts run programs: exec_msg and exec_dset of module exec, and the core's exec. The script is
// suspended meanwhile and nobody else waits.
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

/// exec_msg, exec_dset and the parameters.
[[nodiscard]] server::module_entry exec();

/// exec() in every script.
[[nodiscard]] server::module_entry exec_core();

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
// Modules of the original that load with a warning and do nothing, so that its scripts can be
// checked and run. What was to admit somebody says no.
#pragma once

#include <tandem/server/module.hpp>

#include <vector>

namespace tandem::modules {

[[nodiscard]] std::vector<server::module_entry> stubs();

} // namespace tandem::modules

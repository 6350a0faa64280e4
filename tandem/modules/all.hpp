// SPDX-License-Identifier: Apache-2.0
// The list of script modules of this build, and each one's entry.
#pragma once

#include <tandem/server/module.hpp>

#include <span>

namespace tandem::modules {

/// Every module, in the order of the documentation.
[[nodiscard]] std::span<const server::module_entry> all();

} // namespace tandem::modules

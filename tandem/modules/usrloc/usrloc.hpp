// SPDX-License-Identifier: Apache-2.0
// Module usrloc: how the location tables are kept.
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry usrloc();

} // namespace tandem::modules

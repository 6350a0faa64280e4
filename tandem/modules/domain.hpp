// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

/// Module domain: whether addresses are of our domains.
[[nodiscard]] server::module_entry domain();

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
// Module maxfwd: Max-Forwards (RFC 3261 16.3 step 3, 16.6 step 3).
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry maxfwd();

} // namespace tandem::modules

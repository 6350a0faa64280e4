// SPDX-License-Identifier: Apache-2.0
// Module registrar: REGISTER, and finding users (RFC 3261 10.3, 16.5).
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry registrar();

} // namespace tandem::modules

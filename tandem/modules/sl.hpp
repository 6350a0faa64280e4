// SPDX-License-Identifier: Apache-2.0
// Module sl: replies without a transaction.
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry sl();

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
// Module tm: transactions, stateful relaying and forking.
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry tm();

} // namespace tandem::modules

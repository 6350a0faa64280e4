// SPDX-License-Identifier: Apache-2.0
// Module rr: Record-Route and loose routing (RFC 3261 16.4, 16.6 step 4, 16.12).
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry rr();

} // namespace tandem::modules

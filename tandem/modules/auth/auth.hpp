// SPDX-License-Identifier: Apache-2.0
// Modules auth (challenges, and what becomes of credentials) and auth_db (who is let in).
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry auth();
[[nodiscard]] server::module_entry auth_db();

} // namespace tandem::modules

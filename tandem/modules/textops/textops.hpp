// SPDX-License-Identifier: Apache-2.0
// Module textops: looking into messages and editing them, by regular expressions and by header.
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry textops();

} // namespace tandem::modules

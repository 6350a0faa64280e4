// SPDX-License-Identifier: Apache-2.0
// What every script can call without loading a module, beyond what the language itself brings:
// editing the Request-URI, branches, stateless forwarding, and the pseudo-variables of a message.
#pragma once

#include <tandem/script/registry.hpp>

namespace tandem::server {

/// The declarations, for script::registry::add_core().
[[nodiscard]] script::module_info core_functions();

} // namespace tandem::server

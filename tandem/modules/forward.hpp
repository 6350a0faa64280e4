// SPDX-License-Identifier: Apache-2.0
// The core functions forward and send: forwarding without a transaction (RFC 3261 16.11).
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

[[nodiscard]] server::module_entry forward();

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tandem/server/module.hpp>

namespace tandem::modules {

/// Module uri: whether addresses are those of the user who was let in.
[[nodiscard]] server::module_entry uri();

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
// ul.list: who is registered where, for operators. On shard 0.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/modules/usrloc/location_tables.hpp>

namespace tandem::modules {

/// \param tables outlive the command
[[nodiscard]] control::command make_list_command(location_tables& tables);

} // namespace tandem::modules

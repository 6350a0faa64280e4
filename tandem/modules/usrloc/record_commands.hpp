// SPDX-License-Identifier: Apache-2.0
// Commands that show and change the contacts of one user: ul.show, ul.add, ul.rm, ul.rm_contact. On
// shard 0.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/modules/usrloc/location_tables.hpp>

#include <vector>

namespace tandem::modules {

/// \param tables outlive the commands
[[nodiscard]] std::vector<control::command> make_record_commands(location_tables& tables);

} // namespace tandem::modules

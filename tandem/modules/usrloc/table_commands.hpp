// SPDX-License-Identifier: Apache-2.0
// Commands about whole location tables: ul.dump, ul.stats, ul.flush. On shard 0.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/modules/usrloc/location_tables.hpp>

#include <vector>

namespace tandem::io {
class shard;
}

namespace tandem::modules {

/// \param tables outlive the commands
/// \param loop shard 0
[[nodiscard]] std::vector<control::command> make_table_commands(location_tables& tables,
                                                                io::shard& loop);

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/services.hpp>

namespace tandem::server {

storage::location_table& services::location(std::string_view table) {
  const std::lock_guard lock{mutex_};
  auto it = locations_.find(table);
  if (it == locations_.end())
    it = locations_
             .emplace(table, std::make_unique<storage::location_table>(table, location_limits,
                                                                       tandem::now()))
             .first;
  return *it->second;
}

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/location_tables.hpp>

#include <tandem/server/services.hpp>

#include <utility>
#include <vector>

namespace tandem::modules {

location_tables::location_tables(server::services& of) : metrics_{of.metrics} {
  changes_.subscribe(log_);
  of.locations = this;
}

storage::location_table& location_tables::table(std::string_view name) {
  const std::lock_guard lock{mutex_};
  auto it = all_.find(name);
  if (it == all_.end()) {
    it = all_.emplace(name, std::make_unique<storage::location_table>(name, bounds_, tandem::now(),
                                                                      &changes_))
             .first;
    metrics_.add_gauge("tandem_registrations", "Contacts that are registered, by location table.",
                       {{"table", std::string{name}}},
                       [&made = *it->second] { return static_cast<double>(made.bindings()); });
  }
  return *it->second;
}

void location_tables::for_each(const std::function<void(storage::location_table&)>& f) {
  std::vector<storage::location_table*> known; // f may ask for another one
  {
    const std::lock_guard lock{mutex_};
    for (auto& [name, table] : all_) known.push_back(table.get());
  }
  for (storage::location_table* const table : known) f(*table);
}

const storage::location_table* location_tables::find(std::string_view name) {
  const std::lock_guard lock{mutex_};
  const auto it = all_.find(name);
  return it == all_.end() ? nullptr : it->second.get();
}

void location_tables::limit(const storage::location_limits& bounds) {
  const std::lock_guard lock{mutex_};
  if (!std::exchange(is_limited_, true)) bounds_ = bounds;
}

} // namespace tandem::modules

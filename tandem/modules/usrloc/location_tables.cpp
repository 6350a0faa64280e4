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
  const auto found = all_.find(name);
  if (found != all_.end()) return *found->second.table;
  auto made = std::make_unique<storage::location_table>(name, bounds_, tandem::now(), &changes_);
  storage::location_table& table = *made;
  all_.emplace(name, entry{std::move(made), {}});
  metrics_.add_gauge("tandem_registrations", "Contacts that are registered, by location table.",
                     {{"table", std::string{name}}},
                     [&table] { return static_cast<double>(table.bindings()); });
  return table;
}

std::vector<location_tables::entry*> location_tables::known() {
  std::vector<entry*> all;
  const std::lock_guard lock{mutex_};
  for (auto& [name, one] : all_) all.push_back(&one);
  return all;
}

void location_tables::for_each(const std::function<void(storage::location_table&)>& f) {
  for (entry* const one : known()) f(*one->table); // f may ask for another one
}

void location_tables::expire(instant now) {
  for (entry* const one : known()) one->expired.add(one->table->expire(now));
}

void location_tables::for_each_with_expired(
    const std::function<void(const storage::location_table&, std::uint64_t)>& f) {
  for (const entry* const one : known()) f(*one->table, one->expired);
}

storage::location_table* location_tables::find(std::string_view name) {
  const std::lock_guard lock{mutex_};
  const auto it = all_.find(name);
  return it == all_.end() ? nullptr : it->second.table.get();
}

std::size_t location_tables::size() {
  const std::lock_guard lock{mutex_};
  return all_.size();
}

void location_tables::limit(const storage::location_limits& bounds) {
  const std::lock_guard lock{mutex_};
  if (!std::exchange(is_limited_, true)) bounds_ = bounds;
}

} // namespace tandem::modules

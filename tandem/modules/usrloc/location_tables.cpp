// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/location_tables.hpp>

#include <tandem/server/privileges.hpp>
#include <tandem/server/services.hpp>

#include <utility>
#include <vector>

namespace tandem::modules {

location_tables::location_tables(server::services& of) : metrics_{of.metrics} {
  changes_.subscribe(log_);
  of.locations = this;
}

storage::location_table& location_tables::table(std::string_view name) {
  std::unique_lock lock{mutex_};
  const auto found = all_.find(name);
  if (found != all_.end()) return *found->second.table;
  auto made = std::make_unique<storage::location_table>(name, bounds_, tandem::now(), &changes_);
  storage::location_table& table = *made;
  all_.emplace(name, entry{std::move(made), {}});
  metrics_.add_gauge("tandem_registrations", "Contacts that are registered, by location table.",
                     {{"table", std::string{name}}},
                     [&table] { return static_cast<double>(table.bindings()); });
  lock.unlock();
  if (is_reading_) store_->add(table);
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

bool location_tables::are_stored_first() const noexcept { return is_stored_first_; }

void location_tables::when_stored(const storage::location_table& table, std::string_view aor,
                                  std::function<void(bool)> done) {
  if (is_stored_first_)
    store_->when_stored(table, aor, std::move(done));
  else
    done(true);
}

void location_tables::keep(storage::sql_pool& database,
                           const storage::location_store::options& how) {
  if (store_) return;
  store_ = storage::location_store::make(
      database, how, [this] { return form(); }, metrics_);
  is_stored_first_ = how.when == storage::location_store::write_when::at_once;
  changes_.subscribe(*store_);
}

void location_tables::read() {
  if (!store_) return;
  is_reading_ = true;
  for (const char* name : {"location", "aliases"}) (void)table(name);
  for_each([this](storage::location_table& one) { store_->add(one); });
  // A million contacts take seconds; a database that stands still is told by the deadline of a
  // page.
  constexpr duration longest = std::chrono::minutes{10};
  if (const std::string why = store_->wait_until_read(longest); !why.empty())
    throw server::start_error{why + "; db_mode 0 keeps contacts in memory only"};
}

} // namespace tandem::modules

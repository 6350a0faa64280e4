// SPDX-License-Identifier: Apache-2.0
// The location tables of the process, which module usrloc keeps from script to script: made when
// they are asked for, with bounds that are fixed at start-up. Any thread.
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/modules/usrloc/contact_log.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/storage/location_store.hpp>
#include <tandem/storage/locations.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {
struct services;
}

namespace tandem::modules {

class location_tables final : public storage::locations {
 public:
  /// Becomes services::locations.
  explicit location_tables(server::services& of);
  location_tables(const location_tables&) = delete;
  location_tables& operator=(const location_tables&) = delete;

  [[nodiscard]] storage::location_table& table(std::string_view name) override;
  void for_each(const std::function<void(storage::location_table&)>& f) override;
  void use(storage::key_form form) noexcept override { form_ = form; }
  [[nodiscard]] storage::key_form form() const noexcept { return form_; }
  [[nodiscard]] storage::change_feed& changes() noexcept override { return changes_; }

  [[nodiscard]] bool are_stored_first() const noexcept override;
  void when_stored(const storage::location_table& table, std::string_view aor,
                   std::function<void(bool)> done) override;

  /// Keeps all tables in a database; once and before the first is made: later ones change nothing.
  void keep(storage::sql_pool& database, const storage::location_store::options& how);
  /// Reads what the database has, at the start. Throws start_error. Blocks.
  void read();
  /// Null when contacts are in memory only.
  [[nodiscard]] storage::location_store* store() const noexcept { return store_.get(); }

  /// Null when nobody has asked for it yet.
  [[nodiscard]] storage::location_table* find(std::string_view name);
  /// How many there are.
  [[nodiscard]] std::size_t size();

  /// Drops what has expired; by one thread.
  void expire(instant now);
  /// Calls f(table, contacts that have expired since the start) for each.
  void for_each_with_expired(
      const std::function<void(const storage::location_table&, std::uint64_t expired)>& f);

  /// Sets the bounds of all tables, once and before the first is made: later ones change nothing.
  void limit(const storage::location_limits& bounds);

 private:
  observe::metrics& metrics_;
  std::shared_ptr<storage::location_store> store_; ///< set before the loops run
  bool is_stored_first_ = false;                   ///< likewise
  bool is_reading_ = false;                        ///< likewise: the database works
  contact_log log_;
  storage::change_feed changes_;
  std::atomic<storage::key_form> form_{};
  static_assert(decltype(form_)::is_always_lock_free);
  std::mutex mutex_; ///< guards what follows, not what is in the tables
  storage::location_limits bounds_;
  bool is_limited_ = false;
  struct entry {
    std::unique_ptr<storage::location_table> table;
    counter expired;
  };
  [[nodiscard]] std::vector<entry*> known();

  std::map<std::string, entry, std::less<>> all_; ///< none is ever removed
};

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
// Who follows what happens to contacts: the log now, a database and the events of other programs
// later. A table keeps what changed until its mutex is free and tells it then.
//
// What a consumer can count on:
//  1. It hears the changes of one address of record in the order in which they happened, one call
//     after the other. Those of different ones come from several threads at once.
//  2. No mutex of the table is held: it may look up, and even change, what it hears of.
//  3. It is called on the thread of a shard, so it must not wait: a consumer that has slow work
//     takes copies into a bounded queue of its own.
//  4. What comes while it is slow waits in the table, up to a bound in bytes. Beyond it changes are
//     lost, and the next call tells how many: what was kept of the table must then be read anew.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/storage/change_set.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace tandem::storage {

class change_consumer {
 public:
  /// Whether it wants to hear now; a table keeps nothing for consumers that do not.
  [[nodiscard]] virtual bool wants_changes() const noexcept { return true; }

  /// \param table  its name
  /// \param changes live as long as the call
  /// \param now    for the time that is left of each
  virtual void on_changes(std::string_view table, const change_set& changes,
                          instant now) noexcept = 0;

  /// So many changes after the last ones that it was told of are lost.
  virtual void on_lost(std::string_view table, std::uint64_t changes) noexcept = 0;

 protected:
  ~change_consumer() = default;
};

/// The consumers of some tables. Filled before the tables are used, by one thread; after that any
/// thread.
class change_feed {
 public:
  change_feed() = default;
  change_feed(const change_feed&) = delete;
  change_feed& operator=(const change_feed&) = delete;

  /// \param consumer outlives the tables
  void subscribe(change_consumer& consumer) { consumers_.push_back(&consumer); }

  [[nodiscard]] bool is_wanted() const noexcept {
    for (const change_consumer* const one : consumers_)
      if (one->wants_changes()) return true;
    return false;
  }

  /// For tables.
  void tell(std::string_view table, const change_set& changes, std::uint64_t lost,
            instant now) const noexcept {
    for (change_consumer* const one : consumers_) {
      if (!changes.empty() && one->wants_changes()) one->on_changes(table, changes, now);
      if (lost > 0) one->on_lost(table, lost);
    }
  }

 private:
  std::vector<change_consumer*> consumers_;
};

} // namespace tandem::storage

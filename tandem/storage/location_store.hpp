// SPDX-License-Identifier: Apache-2.0
// Keeps location tables in a database: reads them at the start, and writes what changes.
//
// It writes addresses of record, not changes: of one that has changed, all rows are replaced by the
// contacts that the table has when they are written. So what is newest wins, whatever was missed,
// repeated or came late; a database that was away is whole again after it has come back; and what
// waits is never more than the table itself. Many addresses of record share a transaction, and so
// its wait for the disk.
//
// Any thread. Of the table it takes one short look at a time.
#pragma once

#include <tandem/base/keyed_text_hash.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/storage/change_feed.hpp>
#include <tandem/storage/locations.hpp>
#include <tandem/storage/sql_pool.hpp>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tandem::storage {

class location_store final : public change_consumer {
 public:
  enum class write_when : std::uint8_t {
    at_once,  ///< SER's db_mode 1: who registers may wait until it is done
    by_timer, ///< db_mode 2
    never,    ///< db_mode 3 of later SERs: the tables are read only
  };
  struct options {
    write_when when = write_when::at_once;
    duration interval = seconds{60}; ///< of the timer
    duration deadline = seconds{2};  ///< that a transaction may take
  };

  /// \param form how keys are written now; any thread
  /// \param database outlives the jobs of it, which keep this store alive
  static std::shared_ptr<location_store> make(sql_pool& database, const options& how,
                                              std::function<key_form()> form,
                                              observe::metrics& counted);
  location_store(const location_store&) = delete;
  location_store& operator=(const location_store&) = delete;
  ~location_store();

  /// Begins to read what the database has of that table, and keeps it from then on.
  /// \param table outlives the database's jobs
  void add(location_table& table);
  /// Waits until all tables were read. \return why not; empty when they were. For the start only:
  /// it blocks
  [[nodiscard]] std::string wait_until_read(duration at_most);

  /// Calls done(true) when the database has all that has happened to this address of record until
  /// now; false when it could not be written, which is tried again later. Any thread, perhaps from
  /// inside of this call.
  void when_stored(const location_table& table, std::string_view aor,
                   std::function<void(bool)> done);

  /// Writes what waits. \param done how many addresses of record were written, or why that failed
  void flush(std::function<void(result<std::size_t, std::string>)> done);
  /// The same at the end; blocks. \return why something is left; empty when nothing is
  [[nodiscard]] std::string write_rest(duration at_most);

  /// About once a second: writes by the timer, and tries again what has failed.
  void tick(instant now);

  // --- change_consumer
  [[nodiscard]] bool wants_changes() const noexcept override {
    return how_.when != write_when::never && !is_reading_here();
  }
  void on_changes(std::string_view table, const change_set& changes, instant now) noexcept override;
  void on_lost(std::string_view table, std::uint64_t changes) noexcept override;

 private:
  location_store(sql_pool& database, const options& how, std::function<key_form()> form)
      : database_{database}, how_{how}, form_{std::move(form)} {}

  using waiter = std::function<void(bool)>;
  /// Which rows come next: a whole table is gone through in the order of these columns.
  struct row_position {
    std::string username, domain;
  };
  enum class walk : std::uint8_t { none, memory, rows };

  struct kept_table {
    location_table* table = nullptr;
    bool is_read = false;
    bool is_reading = false;
    std::string why; ///< it could not be read
    std::uint64_t rows = 0;
    instant read_since{};
    row_position read_to{};
    std::unordered_set<std::string, keyed_text_hash> dirty{};
    std::unordered_map<std::string, std::vector<waiter>, keyed_text_hash> waiting{};
    /// Too much was missed to know what: everything is compared, in memory first.
    walk comparing = walk::none;
    location_table::position memory_to{};
    row_position rows_to{};
  };

  /// What one transaction writes.
  struct batch {
    std::string name;
    location_table* table = nullptr;
    std::vector<std::string> aors{};
    std::vector<std::vector<waiter>> waiting{}; ///< of each
    walk comparing = walk::none;
    row_position rows_from{};
    bool has_domains = false;
  };
  struct written {
    std::vector<bool> refused;        ///< of the batch, each: the database does not take it
    std::size_t rows_gone = 0;        ///< users that only the database had
    std::optional<row_position> next; ///< of a comparison
  };
  struct page {
    std::uint64_t rows = 0;
    std::vector<std::string> outdated; ///< whose rows are to be written anew
    std::optional<row_position> next;
  };
  struct contact_rows;

  [[nodiscard]] bool is_reading_here() const noexcept;
  void read_page(const std::string& name);
  void end_page(const std::string& name, result<page, sql_failure> got);
  [[nodiscard]] page take_page(sql_connection& in, const std::string& name, location_table& table,
                               const row_position& from) const;
  void mark(kept_table& of, std::string_view aor);
  void take_waiting(kept_table& of, std::vector<waiter>& to);
  [[nodiscard]] std::shared_ptr<batch> next_batch();
  void go_on();
  void submit(const std::shared_ptr<batch>& next);
  [[nodiscard]] static written write(sql_connection& in, const batch& what);
  static void write_one(sql_connection& in, const batch& what, std::string_view aor);
  static void compare_rows(sql_connection& in, const batch& what, written& made);
  void end_batch(const batch& what, result<written, sql_failure> got);
  [[nodiscard]] bool is_clean() const;

  sql_pool& database_;
  const options how_;
  const std::function<key_form()> form_;
  std::weak_ptr<location_store> self_;

  mutable std::mutex mutex_; ///< guards what follows
  std::condition_variable changed_;
  std::map<std::string, kept_table, std::less<>> tables_;
  std::size_t waiting_ = 0;  ///< who waits, in all tables
  bool is_writing_ = false;  ///< a transaction is under way
  bool is_flushing_ = false; ///< until nothing waits
  instant next_flush_{}, next_try_{};
  std::size_t flushed_ = 0;
  std::vector<std::function<void(result<std::size_t, std::string>)>> flush_waiters_;
  std::string last_failure_;

  std::atomic<std::uint64_t> written_ = 0, refused_ = 0, transactions_ = 0;
};

} // namespace tandem::storage

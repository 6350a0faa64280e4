// SPDX-License-Identifier: Apache-2.0
// A connection to a database, through SOCI, whose headers stay out of this one. It blocks: only the
// threads of an sql_pool use it, one at a time. What goes wrong is thrown as sql_error and caught
// by the pool, which makes a value of it.
//
//   in.run("INSERT INTO grp (username, grp) VALUES (:username, :grp)", {user, "voicemail"});
//   in.query("SELECT grp FROM grp WHERE username = :username", {user}, 1,
//            [&](sql_row row) { groups.emplace_back(*row[0]); });
//
// A value is always bound, never part of the statement, and always a text: the three databases
// make numbers and times of it where the column is one. The places `:name` of a statement are taken
// in their order; each name stands once.
#pragma once

#include <tandem/storage/sql_url.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::storage {

/// What is bound to a place of a statement; nothing is NULL.
using sql_value = std::optional<std::string_view>;
/// The columns of a row, for as long as the call they are given to.
using sql_row = std::span<const sql_value>;

class sql_error : public std::runtime_error {
 public:
  enum class kind : std::uint8_t {
    refused,     ///< the database did not like this statement; the next one may do
    unavailable, ///< nothing can be done with the database now: gone, locked, full, broken
  };
  sql_error(kind what, const std::string& text) : std::runtime_error{text}, what_{what} {}
  [[nodiscard]] kind what_kind() const noexcept { return what_; }

 private:
  kind what_;
};

class sql_connection {
 public:
  /// Connects. \param patience that a lock or a slow statement may take. Throws sql_error.
  sql_connection(const sql_url& where, std::chrono::milliseconds patience);
  ~sql_connection();
  sql_connection(const sql_connection&) = delete;
  sql_connection& operator=(const sql_connection&) = delete;

  [[nodiscard]] sql_dialect dialect() const noexcept { return dialect_; }

  /// Runs a statement that brings no rows. It stays prepared for the next time.
  /// \return how many rows it has changed
  std::uint64_t run(const std::string& statement, std::span<const sql_value> values);
  std::uint64_t run(const std::string& statement, std::initializer_list<sql_value> values = {}) {
    return run(statement, std::span{values.begin(), values.size()});
  }

  /// Runs a statement that brings rows of so many columns. It stays prepared for the next time.
  /// \param each called for each row, in their order; must not use the connection
  void query(const std::string& statement, std::span<const sql_value> values, std::size_t columns,
             const std::function<void(sql_row)>& each);
  void query(const std::string& statement, std::initializer_list<sql_value> values,
             std::size_t columns, const std::function<void(sql_row)>& each) {
    query(statement, std::span{values.begin(), values.size()}, columns, each);
  }

  /// Runs a statement once, such as one that makes a table: no value is bound, nothing is kept.
  void execute(const std::string& statement);

  /// Names of the columns of a table, in lower case; none when there is no such table.
  [[nodiscard]] std::vector<std::string> columns_of(const std::string& table);

  /// What is done until commit() is done as a whole or not at all.
  void begin();
  void commit();
  /// Never throws: a connection that cannot is of no use any more, as the next call tells.
  void rollback() noexcept;
  [[nodiscard]] bool is_in_transaction() const noexcept { return is_in_transaction_; }

  /// Nothing was done by it yet since mark(): what fails may be tried again on another connection.
  [[nodiscard]] bool is_untouched() const noexcept { return is_untouched_; }
  void mark() noexcept { is_untouched_ = true; }

 private:
  struct state;
  struct prepared;
  template <typename F>
  auto guarded(F&& f);
  [[nodiscard]] prepared& prepare(const std::string& statement, std::size_t values,
                                  std::size_t columns);

  sql_dialect dialect_;
  bool is_in_transaction_ = false;
  bool is_untouched_ = true;
  std::unique_ptr<state> state_;
};

/// A transaction that is undone unless it was committed.
class sql_transaction {
 public:
  explicit sql_transaction(sql_connection& in) : in_{in} { in_.begin(); }
  sql_transaction(const sql_transaction&) = delete;
  sql_transaction& operator=(const sql_transaction&) = delete;
  ~sql_transaction() {
    if (in_.is_in_transaction()) in_.rollback();
  }
  void commit() { in_.commit(); }

 private:
  sql_connection& in_;
};

/// A name of a table or column that may stand in a statement: letters, digits and underscores, at
/// most 64.
[[nodiscard]] bool is_sql_name(std::string_view name) noexcept;

} // namespace tandem::storage

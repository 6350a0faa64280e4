// SPDX-License-Identifier: Apache-2.0
// SQLite, just as much as the demonstration library system needs. One thread. A statement must not
// outlive its database. What SQLite refuses throws std::runtime_error: a fault of ours or of the
// disk, never of what a terminal sent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace tandem::sip2 {

/// A prepared statement with its values bound; step() gives the next row.
class statement {
 public:
  statement(sqlite3* database, std::string_view sql);
  statement(statement&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
  statement& operator=(statement&&) = delete;
  ~statement();

  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view value);

  [[nodiscard]] bool step();
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string text(int column) const; ///< empty for NULL

 private:
  sqlite3_stmt* handle_ = nullptr;
};

class database {
 public:
  /// \param path of the file, or ":memory:".
  explicit database(const std::string& path);
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database();

  /// A query with its values, in the order of the question marks.
  template <typename... Args>
  [[nodiscard]] statement query(std::string_view sql, const Args&... args) {
    statement s{handle_, sql};
    int index = 0;
    (bind(s, ++index, args), ...);
    return s;
  }

  /// The same for what gives no rows.
  template <typename... Args>
  void run(std::string_view sql, const Args&... args) {
    auto s = query(sql, args...);
    (void)s.step();
  }

  /// The first column of the first row, 0 when there is none.
  template <typename... Args>
  [[nodiscard]] std::int64_t number(std::string_view sql, const Args&... args) {
    auto s = query(sql, args...);
    return s.step() ? s.number(0) : 0;
  }

  /// Several statements without values.
  void run_script(const char* sql);

  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_id() const;

 private:
  static void bind(statement& s, int index, std::string_view value) { s.bind(index, value); }
  static void bind(statement& s, int index, std::int64_t value) { s.bind(index, value); }

  sqlite3* handle_ = nullptr;
};

} // namespace tandem::sip2

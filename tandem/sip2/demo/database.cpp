// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/demo/database.hpp>

#include <stdexcept>

#include <sqlite3.h>

namespace tandem::sip2 {
namespace {

[[noreturn]] void refuse(sqlite3* handle, std::string_view what) {
  throw std::runtime_error{"SQLite: " + std::string{what} + ": " +
                           (handle ? sqlite3_errmsg(handle) : "out of memory")};
}

} // namespace

statement::statement(sqlite3* database, std::string_view sql) {
  if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &handle_, nullptr) !=
      SQLITE_OK)
    refuse(database, sql);
}

statement::~statement() { sqlite3_finalize(handle_); }

void statement::bind(int index, std::int64_t value) {
  if (sqlite3_bind_int64(handle_, index, value) != SQLITE_OK)
    refuse(sqlite3_db_handle(handle_), sqlite3_sql(handle_));
}

void statement::bind(int index, std::string_view value) {
  const char* data = value.data() ? value.data() : ""; // a null pointer would bind NULL
  if (sqlite3_bind_text64(handle_, index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
      SQLITE_OK)
    refuse(sqlite3_db_handle(handle_), sqlite3_sql(handle_));
}

bool statement::step() {
  const int status = sqlite3_step(handle_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  refuse(sqlite3_db_handle(handle_), sqlite3_sql(handle_));
}

std::int64_t statement::number(int column) const { return sqlite3_column_int64(handle_, column); }

std::string statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  const auto size = sqlite3_column_bytes(handle_, column);
  return bytes ? std::string{bytes, static_cast<std::size_t>(size)} : std::string{};
}

database::database(const std::string& path) {
  if (sqlite3_open(path.c_str(), &handle_) == SQLITE_OK) return;
  const std::string reason = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
  sqlite3_close(handle_);
  throw std::runtime_error{"SQLite: " + path + ": " + reason};
}

database::~database() { sqlite3_close(handle_); }

void database::run_script(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) refuse(handle_, sql);
}

std::int64_t database::changes() const { return sqlite3_changes64(handle_); }
std::int64_t database::last_id() const { return sqlite3_last_insert_rowid(handle_); }

} // namespace tandem::sip2

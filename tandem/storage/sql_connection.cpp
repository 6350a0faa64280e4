// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_connection.hpp>

#include <tandem/base/printable.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace tandem::storage {

namespace {

using std::chrono::milliseconds;

/// Statements that stay prepared; a program has a few dozen.
constexpr std::size_t most_prepared = 64;
/// Of what a database says of a fault.
constexpr std::size_t longest_complaint = 300;

/// What the codes of SQLite mean for the next statement (https://www.sqlite.org/rescode.html).
sql_error::kind kind_of_sqlite(int code) noexcept {
  switch (code & 0xff) {
  case 5:  // SQLITE_BUSY
  case 6:  // SQLITE_LOCKED
  case 7:  // SQLITE_NOMEM
  case 8:  // SQLITE_READONLY
  case 10: // SQLITE_IOERR
  case 11: // SQLITE_CORRUPT
  case 13: // SQLITE_FULL
  case 14: // SQLITE_CANTOPEN
  case 23: // SQLITE_AUTH
  case 26: // SQLITE_NOTADB
    return sql_error::kind::unavailable;
  default: return sql_error::kind::refused;
  }
}

/// What the database says, without the name of the function that it told, and without the values of
/// the statement, which SOCI would add.
std::string complaint_of(const soci::soci_error& error) {
  const std::string whole = error.get_error_message();
  std::string_view text = whole;
  constexpr std::string_view mark = "_backend::";
  if (const auto at = text.substr(0, 60).find(mark); at != std::string_view::npos)
    if (const auto end = text.find(": ", at); end != std::string_view::npos)
      text.remove_prefix(end + 2);
  return to_printable(trim(text).substr(0, longest_complaint));
}

[[noreturn]] void rethrow(const soci::soci_error& error, bool is_connected) {
  auto kind = is_connected ? sql_error::kind::refused : sql_error::kind::unavailable;
  if (const auto* const of_sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error))
    kind = kind_of_sqlite(of_sqlite->result());
  const auto category = error.get_error_category();
  if (category == soci::soci_error::connection_error || category == soci::soci_error::system_error)
    kind = sql_error::kind::unavailable;
  throw sql_error{kind, complaint_of(error)};
}

/// A file of which nobody else reads the passwords, in a folder that is made when it is missing.
void make_file(const std::string& path) {
  const std::filesystem::path file{path};
  std::error_code ignored; // opening tells
  if (file.has_parent_path() && std::filesystem::create_directory(file.parent_path(), ignored))
    std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all, ignored);
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (made < 0)
    throw sql_error{sql_error::kind::unavailable,
                    fmt::format("{}: {}", path, std::generic_category().message(errno))};
  ::close(made);
}

/// For the libraries of the databases, in which no value holds a quote (sql_url).
void add(std::string& text, std::string_view key, std::string_view value) {
  if (!value.empty()) text += fmt::format("{}='{}' ", key, value);
}

std::string postgresql_text(const sql_url& where, milliseconds patience) {
  std::string made;
  add(made, "host", where.socket.empty() ? where.host : where.socket);
  add(made, "port", where.port);
  add(made, "user", where.user);
  add(made, "password", where.password.reveal());
  add(made, "dbname", where.name);
  made += "connect_timeout=5 keepalives_idle=10 keepalives_interval=5 keepalives_count=3 "
          "tcp_user_timeout=20000 application_name=tandem client_encoding=UTF8 ";
  made += fmt::format("options='-c statement_timeout={0} -c lock_timeout={0}'", patience.count());
  return made;
}

std::string mysql_text(const sql_url& where, milliseconds patience) {
  std::string made;
  add(made, "host", where.host);
  add(made, "port", where.port);
  add(made, "user", where.user);
  add(made, "pass", where.password.reveal());
  add(made, "dbname", where.name);
  add(made, "unix_socket", where.socket);
  const auto whole = std::chrono::ceil<std::chrono::seconds>(patience).count();
  made += fmt::format("charset='utf8mb4' connect_timeout='5' read_timeout='{0}' "
                      "write_timeout='{0}'",
                      std::max<long>(whole, 1));
  return made;
}

} // namespace

bool is_sql_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && !is_digit(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_'; });
}

/// A statement with the places that it reads from and writes to.
struct sql_connection::prepared {
  prepared(soci::session& in, const std::string& text, std::size_t values, std::size_t columns)
      : given(values), given_is(values, soci::i_ok), found(columns), found_is(columns, soci::i_ok),
        row(columns), statement{in} {
    for (std::size_t i = 0; i < values; ++i) statement.exchange(soci::use(given[i], given_is[i]));
    for (std::size_t i = 0; i < columns; ++i) statement.exchange(soci::into(found[i], found_is[i]));
    statement.alloc();
    statement.prepare(text);
    statement.define_and_bind();
  }

  void bind(std::span<const sql_value> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      given_is[i] = values[i] ? soci::i_ok : soci::i_null;
      given[i].assign(values[i].value_or(std::string_view{}));
    }
  }

  sql_row take_row() {
    for (std::size_t i = 0; i < found.size(); ++i)
      row[i] = found_is[i] == soci::i_null ? sql_value{} : sql_value{found[i]};
    return row;
  }

  std::vector<std::string> given;
  std::vector<soci::indicator> given_is;
  std::vector<std::string> found;
  std::vector<soci::indicator> found_is;
  std::vector<sql_value> row;
  soci::statement statement;
};

namespace {

/// SQLite does not wait for its busy_timeout here: of two connections that turn a new file to the
/// log at once, one is told at once that it is locked.
void use_write_ahead_log(soci::session& in, milliseconds patience) {
  constexpr milliseconds between{2};
  const auto last = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      in << "PRAGMA journal_mode=WAL";
      return;
    } catch (const soci::soci_error&) {
      if (std::chrono::steady_clock::now() >= last) throw;
    }
    std::this_thread::sleep_for(between);
  }
}

} // namespace

struct sql_connection::state {
  soci::session session;
  std::unordered_map<std::string, prepared> statements; ///< die before the session
};

sql_connection::sql_connection(const sql_url& where, milliseconds patience)
    : dialect_{where.dialect}, state_{std::make_unique<state>()} {
  try {
    switch (dialect_) {
    case sql_dialect::sqlite:
      make_file(where.path);
      state_->session.open(soci::sqlite3, fmt::format("db=\"{}\"", where.path));
      state_->session << fmt::format("PRAGMA busy_timeout={}", patience.count());
      // A transaction is on the disk when it is committed; readers do not wait for writers.
      use_write_ahead_log(state_->session, patience);
      state_->session << "PRAGMA synchronous=FULL";
      break;
    case sql_dialect::postgresql:
      state_->session.open("postgresql", postgresql_text(where, patience));
      break;
    case sql_dialect::mysql:
      state_->session.open("mysql", mysql_text(where, patience));
      state_->session << "SET SESSION sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00'";
      break;
    }
  } catch (const soci::soci_error& error) {
    try {
      rethrow(error, false);
    } catch (const sql_error& plain) { // whatever it was: there is no connection
      throw sql_error{sql_error::kind::unavailable, plain.what()};
    }
  }
}

sql_connection::~sql_connection() = default;

template <typename F>
auto sql_connection::guarded(F&& f) try {
  return f();
} catch (const soci::soci_error& error) {
  bool is_connected = false;
  try {
    is_connected = state_->session.is_connected();
  } catch (const std::exception&) {
  }
  rethrow(error, is_connected);
}

sql_connection::prepared& sql_connection::prepare(const std::string& statement, std::size_t values,
                                                  std::size_t columns) {
  auto& known = state_->statements;
  if (const auto found = known.find(statement); found != known.end()) return found->second;
  if (known.size() >= most_prepared) known.clear();
  return known.try_emplace(statement, state_->session, statement, values, columns).first->second;
}

std::uint64_t sql_connection::run(const std::string& statement, std::span<const sql_value> values) {
  return guarded([&] {
    prepared& made = prepare(statement, values.size(), 0);
    try {
      made.bind(values);
      made.statement.execute(true);
    } catch (...) {
      state_->statements.erase(statement); // nobody knows what state it is in
      throw;
    }
    is_untouched_ = false;
    return static_cast<std::uint64_t>(std::max<long long>(made.statement.get_affected_rows(), 0));
  });
}

void sql_connection::query(const std::string& statement, std::span<const sql_value> values,
                           std::size_t columns, const std::function<void(sql_row)>& each) {
  guarded([&] {
    prepared& made = prepare(statement, values.size(), columns);
    try {
      made.bind(values);
      for (bool is_there = made.statement.execute(true); is_there;
           is_there = made.statement.fetch())
        each(made.take_row());
    } catch (...) {
      state_->statements.erase(statement);
      throw;
    }
  });
}

void sql_connection::execute(const std::string& statement) {
  guarded([&] { state_->session << statement; });
  is_untouched_ = false;
}

std::vector<std::string> sql_connection::columns_of(const std::string& table) {
  if (!is_sql_name(table)) throw sql_error{sql_error::kind::refused, "not a name of a table"};
  std::vector<std::string> names;
  const auto take = [&names](sql_row row) {
    std::string name{row[0].value_or("")};
    std::ranges::transform(name, name.begin(), [](char c) { return to_lower(c); });
    names.push_back(std::move(name));
  };
  switch (dialect_) {
  case sql_dialect::sqlite:
    query("SELECT name FROM pragma_table_info(:name)", {table}, 1, take);
    break;
  case sql_dialect::postgresql:
    query("SELECT column_name FROM information_schema.columns WHERE table_name = :name AND "
          "table_schema = ANY (current_schemas(false)) ORDER BY ordinal_position",
          {table}, 1, take);
    break;
  case sql_dialect::mysql:
    query("SELECT column_name FROM information_schema.columns WHERE table_name = :name AND "
          "table_schema = database() ORDER BY ordinal_position",
          {table}, 1, take);
    break;
  }
  return names;
}

void sql_connection::begin() {
  // SQLite would take its lock with the first change only, and could refuse it then.
  guarded(
      [&] { state_->session << (dialect_ == sql_dialect::sqlite ? "BEGIN IMMEDIATE" : "BEGIN"); });
  is_in_transaction_ = true;
}

void sql_connection::commit() {
  guarded([&] { state_->session << "COMMIT"; });
  is_in_transaction_ = false;
  is_untouched_ = false;
}

void sql_connection::rollback() noexcept {
  is_in_transaction_ = false;
  try {
    state_->session << "ROLLBACK";
  } catch (const std::exception&) {
  }
}

} // namespace tandem::storage

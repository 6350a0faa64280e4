// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/session_store.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/quiet_thread.hpp>
#include <tandem/base/sparse_log.hpp>
#include <tandem/io/unique_fd.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <mutex>
#include <optional>
#include <sqlite3.h>
#include <sys/stat.h>
#include <thread>
#include <utility>
#include <vector>

namespace tandem::xmpp {

namespace {

struct close_database {
  void operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }
};
struct end_statement {
  void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
};
using database = std::unique_ptr<sqlite3, close_database>;
using statement = std::unique_ptr<sqlite3_stmt, end_statement>;

constexpr const char* set_up =
    // Exclusive: the lock is ours until we close it or die, so that no two processes drive one
    // session. The journal is not flushed at each commit, which only the loss of power shows.
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS bosh_session("
    "name TEXT PRIMARY KEY, url TEXT, sid TEXT, rid INTEGER, wait INTEGER, inactivity INTEGER,"
    "polling INTEGER, maxpause INTEGER, requests INTEGER, hold INTEGER, acks INTEGER, key TEXT,"
    "newkey TEXT, key_seed TEXT, keys_left INTEGER, is_paused INTEGER, resource TEXT,"
    "presence_id INTEGER, is_available INTEGER, show TEXT, status TEXT, priority INTEGER,"
    "kept_at INTEGER) WITHOUT ROWID;"
    "BEGIN IMMEDIATE; COMMIT;"; // takes the lock now
constexpr const char* select_all = "SELECT * FROM bosh_session";
constexpr const char* replace_one =
    "REPLACE INTO bosh_session VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr const char* delete_one = "DELETE FROM bosh_session WHERE name=?";

/// Binds the columns of a row from left to right.
class binder {
 public:
  explicit binder(sqlite3_stmt* to) noexcept : to_{to} {}
  binder& operator<<(std::string_view text) noexcept {
    sqlite3_bind_text(to_, ++at_, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  template <std::integral Number>
  binder& operator<<(Number number) noexcept {
    sqlite3_bind_int64(to_, ++at_, static_cast<sqlite3_int64>(number));
    return *this;
  }

 private:
  sqlite3_stmt* to_;
  int at_ = 0;
};

/// Reads them in the same order. What does not fit is the nearest that does.
class column_reader {
 public:
  explicit column_reader(sqlite3_stmt* of) noexcept : of_{of} {}
  std::string text() {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(of_, at_));
    const int size = sqlite3_column_bytes(of_, at_++);
    return bytes ? std::string{bytes, static_cast<std::size_t>(size)} : std::string{};
  }
  template <typename Number>
  Number number() noexcept {
    using limits = std::numeric_limits<Number>;
    const std::int64_t lowest = std::is_signed_v<Number> ? std::int64_t{limits::min()} : 0;
    const auto highest = static_cast<std::int64_t>(
        std::min<std::uint64_t>(static_cast<std::uint64_t>(limits::max()), INT64_MAX));
    return static_cast<Number>(
        std::clamp<std::int64_t>(sqlite3_column_int64(of_, at_++), lowest, highest));
  }
  seconds length() noexcept { return seconds{number<std::uint32_t>()}; }

 private:
  sqlite3_stmt* of_;
  int at_ = 0;
};

std::pair<std::string, stored_session> read_row(sqlite3_stmt* from) {
  column_reader row{from};
  std::string name = row.text();
  stored_session s;
  s.url = row.text();
  bosh_snapshot& b = s.snapshot.session;
  b.terms.sid = row.text();
  b.rid = row.number<std::uint64_t>();
  b.terms.wait = row.length();
  b.terms.inactivity = row.length();
  b.terms.polling = row.length();
  b.terms.maxpause = row.length();
  b.terms.requests = row.number<std::uint32_t>();
  b.terms.hold = row.number<std::uint32_t>();
  b.terms.acks = row.number<std::uint32_t>() != 0;
  b.keys.key = row.text();
  b.keys.newkey = row.text();
  b.key_seed = row.text();
  b.keys_left = row.number<std::uint32_t>();
  b.is_paused = row.number<std::uint32_t>() != 0;
  s.snapshot.resource = row.text();
  s.snapshot.presence_id = row.number<std::uint64_t>();
  s.snapshot.shown.is_available = row.number<std::uint32_t>() != 0;
  s.snapshot.shown.show = presence_show_of(row.text()).value_or(presence_show::none);
  s.snapshot.shown.status = row.text();
  s.snapshot.shown.priority = row.number<std::int8_t>();
  s.kept_at = row.number<std::int64_t>();
  return {std::move(name), std::move(s)};
}

void bind_row(sqlite3_stmt* to, const std::string& name, const stored_session& s) {
  const bosh_snapshot& b = s.snapshot.session;
  const presence& shown = s.snapshot.shown;
  binder{to} << name << s.url << b.terms.sid << b.rid << b.terms.wait.count()
             << b.terms.inactivity.count() << b.terms.polling.count() << b.terms.maxpause.count()
             << b.terms.requests << b.terms.hold << b.terms.acks << b.keys.key << b.keys.newkey
             << b.key_seed << b.keys_left << b.is_paused << s.snapshot.resource
             << s.snapshot.presence_id << shown.is_available << to_string(shown.show)
             << shown.status << shown.priority << s.kept_at;
}

} // namespace

class session_store::impl {
 public:
  /// \return what is wrong
  std::optional<std::string> open(const std::string& path) {
    // Made by us, so that nobody else ever reads it: SQLite gives its other files the same mode.
    const io::unique_fd made{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (made.get() < 0) return path + ": " + std::strerror(errno);
    struct stat about {};
    if (::fstat(made.get(), &about) != 0 || (about.st_mode & 0077) != 0)
      return path + ": others may read it; it holds the keys to sessions: chmod 600";
    sqlite3* db = nullptr;
    const int state = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
    database_.reset(db);
    if (state != SQLITE_OK) return explain(path);
    const int set = sqlite3_exec(db, set_up, nullptr, nullptr, nullptr);
    if (set == SQLITE_BUSY) return path + ": another process uses it";
    if (set != SQLITE_OK) return explain(path);
    statement all = prepare(select_all);
    replace_ = prepare(replace_one);
    delete_ = prepare(delete_one);
    if (!all || !replace_ || !delete_) return explain(path);
    while (sqlite3_step(all.get()) == SQLITE_ROW) found.insert(read_row(all.get()));
    path_ = path;
    writer_ = start_quiet_thread([this] { write(); });
    return std::nullopt;
  }

  ~impl() {
    {
      const std::lock_guard lock{mutex_};
      is_ending_ = true;
    }
    bell_.notify_one();
    if (writer_.joinable()) writer_.join();
  }

  void set(const std::string& name, std::optional<stored_session> row) {
    const std::lock_guard lock{mutex_};
    waiting_.insert_or_assign(name, std::move(row));
  }
  void when_kept(io::shard& loop, std::function<void(bool)> done) {
    {
      const std::lock_guard lock{mutex_};
      asking_.push_back({&loop, std::move(done)});
    }
    bell_.notify_one();
  }

  std::unordered_map<std::string, stored_session> found;

 private:
  struct asking {
    io::shard* loop;
    std::function<void(bool)> done;
  };
  using rows = std::unordered_map<std::string, std::optional<stored_session>>;

  statement prepare(const char* sql) {
    sqlite3_stmt* made = nullptr;
    sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    return statement{made};
  }
  [[nodiscard]] std::string explain(const std::string& path) const {
    return path + ": " + (database_ ? sqlite3_errmsg(database_.get()) : "out of memory");
  }

  void write() {
    std::unique_lock lock{mutex_};
    while (true) {
      bell_.wait(lock, [this] { return is_ending_ || !asking_.empty(); });
      if (asking_.empty() && waiting_.empty()) return;
      const rows taken = std::exchange(waiting_, {});
      std::vector<asking> askers = std::exchange(asking_, {});
      lock.unlock();
      const bool is_kept = write_all(taken);
      if (!is_kept) complaint_.warning(now(), "{}", explain(path_));
      for (asking& a : askers) a.loop->post([done = std::move(a.done), is_kept] { done(is_kept); });
      lock.lock();
    }
  }

  bool write_all(const rows& all) {
    if (all.empty()) return true;
    if (!run("BEGIN")) return false;
    bool is_good = true;
    for (const auto& [name, row] : all) {
      sqlite3_stmt* const with = row ? replace_.get() : delete_.get();
      if (row)
        bind_row(with, name, *row);
      else
        binder{with} << name;
      is_good = sqlite3_step(with) == SQLITE_DONE && is_good;
      sqlite3_reset(with);
      sqlite3_clear_bindings(with);
    }
    if (run(is_good ? "COMMIT" : "ROLLBACK") && is_good) return true;
    if (sqlite3_get_autocommit(database_.get()) == 0) run("ROLLBACK");
    return false;
  }
  bool run(const char* sql) {
    return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  }

  std::string path_;
  database database_;
  statement replace_;
  statement delete_;
  sparse_log complaint_;
  std::mutex mutex_; ///< guards the next three
  rows waiting_;     ///< nothing: to be deleted
  std::vector<asking> asking_;
  bool is_ending_ = false;
  std::condition_variable bell_;
  std::thread writer_;
};

session_store::session_store(std::unique_ptr<impl> made) : impl_{std::move(made)} {}
session_store::~session_store() = default;

result<std::unique_ptr<session_store>, std::string> session_store::open(const std::string& path) {
  auto made = std::make_unique<impl>();
  if (auto wrong = made->open(path)) return fail(std::move(*wrong));
  return std::unique_ptr<session_store>{new session_store{std::move(made)}};
}

const std::unordered_map<std::string, stored_session>& session_store::found() const noexcept {
  return impl_->found;
}
void session_store::put(const std::string& name, stored_session row) {
  impl_->set(name, std::move(row));
}
void session_store::erase(const std::string& name) { impl_->set(name, std::nullopt); }
void session_store::when_kept(io::shard& loop, std::function<void(bool)> done) {
  impl_->when_kept(loop, std::move(done));
}

std::int64_t wall_milliseconds() noexcept {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

} // namespace tandem::xmpp

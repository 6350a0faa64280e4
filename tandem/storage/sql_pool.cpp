// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_pool.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/quiet_thread.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace tandem::storage {

namespace {

constexpr std::array<std::string_view, 5> names_of_failures{"unavailable", "late", "busy",
                                                            "refused", "stopped"};

} // namespace

class sql_pool::engine {
 public:
  engine(sql_url where, const sql_pool_options& options,
         std::function<void(sql_connection&)> prepare)
      : where_{std::move(where)}, shown_{where_.shown()}, options_{options}, prepare_{std::move(
                                                                                 prepare)},
        workers_(std::max(options.workers, 1U)) {}

  static void count(const std::shared_ptr<engine>& all, observe::metrics& in);
  static void start(const std::shared_ptr<engine>& all);
  void stop(duration at_most);
  void submit(const sql_job& of, std::shared_ptr<task> what);
  [[nodiscard]] std::string why_unavailable() const;
  [[nodiscard]] const std::string& shown() const noexcept { return shown_; }
  [[nodiscard]] sql_dialect dialect() const noexcept { return where_.dialect; }

 private:
  struct entry {
    std::shared_ptr<task> what;
    std::size_t bytes = 0;
    std::size_t worker = 0;
    instant asked{}, deadline{};
    std::uint64_t number = 0;
    std::atomic<bool> is_done = false; ///< told; what still runs of it is for nothing
  };
  using entry_ptr = std::shared_ptr<entry>;
  /// What is to be told when the mutex is free.
  struct told {
    entry_ptr what;
    std::optional<sql_failure> failed;
  };
  using news = std::vector<told>;

  struct worker {
    std::thread thread;
    std::deque<entry_ptr> queue;
    entry_ptr running;
    std::condition_variable wake;
    bool is_connecting = false;
    bool is_hanging = false; ///< in a call to the database that does not return
    bool is_up = false;
    bool has_ended = false;
    std::string why = "not connected yet"; ///< when it is not up
    instant next_attempt{};
    duration pause{};
  };

  void work(std::size_t number);
  void watch();
  bool connect(worker& me, std::unique_ptr<sql_connection>& to, std::unique_lock<std::mutex>& lock);
  void run(worker& me, std::unique_ptr<sql_connection>& in, std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::optional<sql_failure> attempt(entry& one, std::unique_ptr<sql_connection>& in);
  void take_down(worker& me, const std::string& why, news& to);
  void refuse_queue(worker& of, const sql_failure& why, news& to);
  void close(const entry_ptr& one, std::optional<sql_failure> failed, news& to);
  void tell(news&& all) noexcept;
  [[nodiscard]] bool is_refusing(const worker& of) const noexcept {
    return of.is_hanging || (!of.is_up && !of.is_connecting);
  }

  const sql_url where_;
  const std::string shown_;
  const sql_pool_options options_;
  const std::function<void(sql_connection&)> prepare_;
  std::mutex preparing_; ///< one connection at a time looks after the schema

  mutable std::mutex mutex_; ///< guards what follows
  std::vector<worker> workers_;
  std::condition_variable watching_, ended_;
  std::map<std::pair<instant, std::uint64_t>, entry_ptr> by_deadline_;
  std::thread watcher_;
  std::size_t jobs_ = 0, bytes_ = 0;
  std::uint64_t last_ = 0;
  bool is_started_ = false, is_stopping_ = false;

  std::atomic<std::uint64_t> good_ = 0;
  std::array<std::atomic<std::uint64_t>, names_of_failures.size()> failed_{};
  std::atomic<std::uint64_t> nanoseconds_ = 0;
};

void sql_pool::engine::count(const std::shared_ptr<engine>& all, observe::metrics& in) {
  const auto label = [&](std::initializer_list<std::pair<std::string, std::string>> more = {}) {
    observe::label_list made{{"database", all->shown_}};
    made.insert(made.end(), more.begin(), more.end());
    return made;
  };
  in.add_gauge("tandem_sql_up", "1 when every connection to the database works.", label(),
               [all] { return all->why_unavailable().empty() ? 1.0 : 0.0; });
  in.add_gauge("tandem_sql_waiting", "Jobs that wait for the database, or run.", label(), [all] {
    const std::lock_guard lock{all->mutex_};
    return static_cast<double>(all->jobs_);
  });
  constexpr std::string_view jobs =
      "Jobs for the database that have ended, by what became of them.";
  in.add_counter("tandem_sql_jobs_total", jobs, label({{"result", "good"}}),
                 [all] { return static_cast<double>(all->good_); });
  for (std::size_t i = 0; i < names_of_failures.size(); ++i)
    in.add_counter("tandem_sql_jobs_total", jobs,
                   label({{"result", std::string{names_of_failures[i]}}}),
                   [all, i] { return static_cast<double>(all->failed_[i]); });
  in.add_counter("tandem_sql_job_seconds_total",
                 "Time from asking to the end of the jobs that went well.", label(),
                 [all] { return static_cast<double>(all->nanoseconds_) / 1e9; });
}

void sql_pool::engine::start(const std::shared_ptr<engine>& all) {
  const std::lock_guard lock{all->mutex_};
  if (std::exchange(all->is_started_, true)) return;
  for (worker& each : all->workers_) each.is_connecting = true; // jobs wait for the first attempt
  all->watcher_ = start_quiet_thread([all] { all->watch(); });
  for (std::size_t i = 0; i < all->workers_.size(); ++i)
    all->workers_[i].thread = start_quiet_thread([all, i] { all->work(i); });
}

void sql_pool::engine::stop(duration at_most) {
  news all;
  {
    std::unique_lock lock{mutex_};
    is_stopping_ = true;
    for (worker& each : workers_) each.wake.notify_all();
    const auto have_ended = [this] {
      return std::ranges::all_of(
          workers_, [](const worker& each) { return each.has_ended || !each.thread.joinable(); });
    };
    if (is_started_ && !have_ended()) ended_.wait_until(lock, tandem::now() + at_most, have_ended);
    const sql_failure why{sql_errc::stopped, "the server ends"};
    for (worker& each : workers_) {
      if (each.running) close(each.running, why, all);
      refuse_queue(each, why, all);
    }
    watching_.notify_all();
  }
  tell(std::move(all));
  for (worker& each : workers_) {
    if (!each.thread.joinable()) continue;
    bool has_ended = false;
    {
      const std::lock_guard lock{mutex_};
      has_ended = each.has_ended;
    }
    if (has_ended)
      each.thread.join();
    else // in a call that does not return; it holds on to this object
      each.thread.detach();
  }
  if (watcher_.joinable()) watcher_.join();
}

std::string sql_pool::engine::why_unavailable() const {
  const std::lock_guard lock{mutex_};
  if (!is_started_) return "not started";
  for (const worker& each : workers_) {
    if (each.is_hanging) return "it does not answer";
    if (!each.is_up) return each.why;
  }
  return {};
}

void sql_pool::engine::submit(const sql_job& of, std::shared_ptr<task> what) {
  std::optional<sql_failure> failed;
  const auto made = std::make_shared<entry>();
  made->what = std::move(what);
  {
    const std::lock_guard lock{mutex_};
    made->worker = of.key % workers_.size();
    worker& by = workers_[made->worker];
    if (!is_started_ || is_stopping_)
      failed = {sql_errc::stopped, "the server ends"};
    else if (is_refusing(by))
      failed = {sql_errc::unavailable, by.is_hanging ? "it does not answer" : by.why};
    else if (jobs_ >= options_.most_jobs || bytes_ + of.bytes > options_.most_bytes)
      failed = {sql_errc::busy, "too many jobs wait for it"};
    else {
      made->bytes = of.bytes;
      made->asked = tandem::now();
      made->deadline = made->asked + of.deadline;
      made->number = ++last_;
      const auto place = by_deadline_.emplace(std::pair{made->deadline, made->number}, made).first;
      try {
        by.queue.push_back(made);
      } catch (...) {
        by_deadline_.erase(place);
        throw;
      }
      ++jobs_;
      bytes_ += made->bytes;
      if (place == by_deadline_.begin()) watching_.notify_one();
      by.wake.notify_one();
    }
    if (failed) ++failed_[static_cast<std::size_t>(failed->what)];
  }
  if (failed) made->what->finish(&*failed);
}

/// Counts it, and takes it out of what waits. Under the mutex.
void sql_pool::engine::close(const entry_ptr& one, std::optional<sql_failure> failed, news& to) {
  if (one->is_done.exchange(true)) return;
  by_deadline_.erase({one->deadline, one->number});
  --jobs_;
  bytes_ -= one->bytes;
  if (failed) {
    ++failed_[static_cast<std::size_t>(failed->what)];
  } else {
    ++good_;
    nanoseconds_ += static_cast<std::uint64_t>((tandem::now() - one->asked).count());
  }
  to.push_back({one, std::move(failed)});
}

void sql_pool::engine::refuse_queue(worker& of, const sql_failure& why, news& to) {
  for (const entry_ptr& one : of.queue) close(one, why, to);
  of.queue.clear();
}

void sql_pool::engine::tell(news&& all) noexcept {
  for (const told& each : all) try {
      each.what->what->finish(each.failed ? &*each.failed : nullptr);
    } catch (const std::exception& error) { // no memory: who waits hears by what it has dropped
      log_error("database {}: the end of a job could not be told: {}", shown_, error.what());
    }
}

/// Under the mutex: the database is of no use to this worker for now.
void sql_pool::engine::take_down(worker& me, const std::string& why, news& to) {
  const bool is_told = std::ranges::any_of(
      workers_, [&](const worker& each) { return !each.is_up && each.why == why; });
  if (!is_told)
    log_error("database {}: {}; what needs it is refused until it is back", shown_, why);
  me.is_up = false;
  me.why = why;
  me.pause = std::clamp(2 * me.pause, options_.first_pause, options_.longest_pause);
  me.next_attempt = tandem::now() + me.pause;
  refuse_queue(me, {sql_errc::unavailable, why}, to);
}

/// Under the mutex, which is free while it connects.
bool sql_pool::engine::connect(worker& me, std::unique_ptr<sql_connection>& to,
                               std::unique_lock<std::mutex>& lock) {
  const bool is_first = me.pause == duration{};
  // Only a first attempt is worth waiting for: the next one comes after nobody could connect.
  me.is_connecting = is_first;
  std::string why;
  lock.unlock();
  try {
    to = std::make_unique<sql_connection>(where_, options_.patience);
    if (prepare_) {
      const std::lock_guard one_at_a_time{preparing_};
      prepare_(*to);
    }
  } catch (const std::exception& error) {
    to.reset();
    why = error.what();
  }
  lock.lock();
  me.is_connecting = false;
  const bool was_hanging = std::exchange(me.is_hanging, false);
  if (to) {
    me.is_up = true;
    if ((!is_first || was_hanging) &&
        std::ranges::all_of(workers_, [](const worker& each) { return each.is_up; }))
      log_notice("database {} is back", shown_);
    me.why.clear();
    me.pause = {};
    return true;
  }
  news all;
  take_down(me, why, all);
  lock.unlock();
  tell(std::move(all));
  lock.lock();
  return false;
}

/// Without the mutex. \return why it has failed
std::optional<sql_failure> sql_pool::engine::attempt(entry& one,
                                                     std::unique_ptr<sql_connection>& in) {
  for (bool is_again = false;; is_again = true) {
    in->mark();
    sql_failure failed;
    try {
      one.what->run(*in);
      return std::nullopt;
    } catch (const sql_error& error) {
      failed = {error.what_kind() == sql_error::kind::unavailable ? sql_errc::unavailable
                                                                  : sql_errc::refused,
                error.what()};
    } catch (const std::exception& error) {
      failed = {sql_errc::refused, error.what()};
    }
    if (in->is_in_transaction()) in->rollback();
    if (failed.what != sql_errc::unavailable) return failed;
    const bool may_be_repeated = !is_again && in->is_untouched() && !one.is_done;
    in.reset();
    // A connection that has stood idle is often found dead by the first who uses it.
    if (!may_be_repeated || where_.dialect == sql_dialect::sqlite) return failed;
    try {
      in = std::make_unique<sql_connection>(where_, options_.patience);
    } catch (const std::exception&) {
      return failed;
    }
  }
}

/// Under the mutex, which is free while the job runs.
void sql_pool::engine::run(worker& me, std::unique_ptr<sql_connection>& in,
                           std::unique_lock<std::mutex>& lock) {
  const entry_ptr one = me.running = std::move(me.queue.front());
  me.queue.pop_front();
  lock.unlock();
  auto failed = attempt(*one, in);
  lock.lock();
  me.running.reset();
  if (std::exchange(me.is_hanging, false)) log_notice("database {} answers again", shown_);
  news all;
  const bool is_lost = !in;
  const std::string why = failed ? failed->why : std::string{};
  close(one, std::move(failed), all);
  if (is_lost) take_down(me, why, all);
  lock.unlock();
  tell(std::move(all));
  lock.lock();
}

void sql_pool::engine::work(std::size_t number) {
  worker& me = workers_[number];
  std::unique_ptr<sql_connection> connection;
  std::unique_lock lock{mutex_};
  while (!(is_stopping_ && me.queue.empty())) {
    if (!connection) {
      if (tandem::now() >= me.next_attempt) {
        if (is_stopping_) break;
        (void)connect(me, connection, lock);
      } else {
        me.wake.wait_until(lock, me.next_attempt);
        if (is_stopping_) break;
      }
    } else if (me.queue.empty()) {
      me.wake.wait(lock);
    } else {
      run(me, connection, lock);
    }
  }
  me.has_ended = true;
  ended_.notify_all();
  lock.unlock();
  connection.reset();
}

void sql_pool::engine::watch() {
  std::unique_lock lock{mutex_};
  while (!is_stopping_ || !by_deadline_.empty()) {
    if (by_deadline_.empty()) {
      watching_.wait(lock);
      continue;
    }
    const instant due = by_deadline_.begin()->first.first;
    if (tandem::now() < due) {
      watching_.wait_until(lock, due);
      continue;
    }
    news all;
    const entry_ptr one = by_deadline_.begin()->second;
    worker& by = workers_[one->worker];
    close(one, sql_failure{sql_errc::late, "it has not answered in time"}, all);
    std::erase(by.queue, one);
    // Its call does not return: who comes next must not wait as long again.
    if (by.running == one || by.is_connecting) {
      if (!std::exchange(by.is_hanging, true))
        log_error("database {}: it does not answer; what needs it is refused until it does",
                  shown_);
      refuse_queue(by, {sql_errc::unavailable, "it does not answer"}, all);
    }
    lock.unlock();
    tell(std::move(all));
    lock.lock();
  }
}

sql_pool::sql_pool(sql_url where, const sql_pool_options& options,
                   std::function<void(sql_connection&)> prepare, observe::metrics& counted)
    : engine_{std::make_shared<engine>(std::move(where), options, std::move(prepare))} {
  engine::count(engine_, counted);
}
sql_pool::~sql_pool() { stop(seconds{2}); }

void sql_pool::start() { engine::start(engine_); }
void sql_pool::stop(duration at_most) { engine_->stop(at_most); }
const std::string& sql_pool::shown() const noexcept { return engine_->shown(); }
sql_dialect sql_pool::dialect() const noexcept { return engine_->dialect(); }
std::string sql_pool::why_unavailable() const { return engine_->why_unavailable(); }
void sql_pool::submit(const sql_job& of, std::shared_ptr<task> what) {
  engine_->submit(of, std::move(what));
}

} // namespace tandem::storage

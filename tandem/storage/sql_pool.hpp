// SPDX-License-Identifier: Apache-2.0
// The threads that talk to one database, so that nobody else ever waits for it.
//
//   pool.ask<std::string>({.key = hash_of_user}, [](sql_connection& in) { return read(in); },
//                         [token](result<std::string, sql_failure> found) { token(found); });
//
// What a caller can count on:
//  1. `done` is called once for each job, on any thread, perhaps from inside of ask(): after the
//     work, or at the deadline at the latest. When the pool has stopped it is called as well.
//  2. Jobs of one key are run one after the other, in the order in which they were asked for.
//  3. Work runs on a thread of the pool and may block. What it takes with it must be its own: after
//     the deadline it may still run, and then its result is dropped.
//  4. A database that cannot be reached, or does not answer, is told at once to who asks next, so
//     that nobody waits for it again and again. The pool looks by itself whether it is back.
//  5. What waits is bounded, in number and in bytes; beyond it jobs are refused at once.
//  6. A job that met a lost connection before it had changed anything is run once more on a new
//     one. So work that changes something begins with a transaction.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/observe/metrics.hpp>
#include <tandem/storage/sql_connection.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tandem::storage {

enum class sql_errc : std::uint8_t {
  unavailable, ///< the database is gone, locked, full or broken
  late,        ///< it has not answered within the deadline
  busy,        ///< too much waits already
  refused,     ///< it did not like what was asked
  stopped,     ///< the pool has ended
};

struct sql_failure {
  sql_errc what = sql_errc::unavailable;
  std::string why; ///< for the log and for operators
};

/// What a caller says of a job.
struct sql_job {
  std::uint64_t key = 0;   ///< jobs of one key stay in order
  std::size_t bytes = 256; ///< that it keeps in memory
  duration deadline = seconds{2};
};

struct sql_pool_options {
  unsigned workers = 2; ///< threads, each with a connection
  std::size_t most_jobs = 10'000;
  std::size_t most_bytes = std::size_t{16} << 20U;
  /// That a lock or a slow statement may take, where the database knows such a limit.
  milliseconds patience{2'000};
  /// Between two attempts to connect, doubled up to the most.
  duration first_pause = milliseconds{100};
  duration longest_pause = seconds{5};
};

class sql_pool {
 public:
  /// Opens nothing yet.
  /// \param prepare runs on each new connection before its first job: to look after the schema.
  ///                What it throws leaves the database unavailable.
  sql_pool(sql_url where, const sql_pool_options& options,
           std::function<void(sql_connection&)> prepare, observe::metrics& counted);
  /// Stops; see stop().
  ~sql_pool();
  sql_pool(const sql_pool&) = delete;
  sql_pool& operator=(const sql_pool&) = delete;

  /// Starts the threads, which connect at once. Throws std::system_error without threads.
  void start();
  /// Runs what waits, for so long at most; refuses the rest, and all that comes later. A thread
  /// that hangs in a call to the database is left behind, and touches nothing of others any more.
  void stop(duration at_most);

  /// Everything but the password.
  [[nodiscard]] const std::string& shown() const noexcept;
  [[nodiscard]] sql_dialect dialect() const noexcept;
  /// Why the database cannot be used now; empty when it can.
  [[nodiscard]] std::string why_unavailable() const;

  /// \param work  T(sql_connection&); may throw sql_error
  /// \param done  void(result<T, sql_failure>)
  template <typename T>
  void ask(const sql_job& of, std::function<T(sql_connection&)> work,
           std::function<void(result<T, sql_failure>)> done) {
    submit(of, std::make_shared<job<T>>(std::move(work), std::move(done)));
  }

 private:
  struct task {
    virtual ~task() = default;
    /// On the thread of the pool.
    virtual void run(sql_connection& in) = 0;
    /// Once, on any thread. \param failed null: run() has ended
    virtual void finish(const sql_failure* failed) = 0;
  };
  template <typename T>
  struct job final : task {
    job(std::function<T(sql_connection&)> what, std::function<void(result<T, sql_failure>)> then)
        : work{std::move(what)}, done{std::move(then)} {}
    void run(sql_connection& in) override { made.emplace(work(in)); }
    void finish(const sql_failure* failed) override {
      if (failed)
        done(fail(*failed));
      else
        done(std::move(*made));
    }
    std::function<T(sql_connection&)> work;
    std::function<void(result<T, sql_failure>)> done;
    std::optional<T> made = std::nullopt; ///< not touched when it has failed: the work may go on
  };

  void submit(const sql_job& of, std::shared_ptr<task> what);

  class engine;
  std::shared_ptr<engine> engine_; ///< shared with the threads, of which one may be left behind
};

} // namespace tandem::storage

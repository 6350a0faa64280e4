// SPDX-License-Identifier: Apache-2.0
// A shard: the event loop of one core, with its timers and its clock. Everything that belongs to a
// shard is used on its thread; what may be called from others says so. What is watched, and every
// task and timer, must be gone before the shard is.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/counter.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/unique_fd.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

struct epoll_event;

namespace tandem::io {

/// Gets to know that a descriptor is ready. Whoever runs on the shard (a timer, another event,
/// mail, a posted function) may stop watching it, and then destroy it: an event of the same turn
/// that has not been told yet is dropped. So may it itself, from inside the call.
class readiness {
 public:
  readiness() noexcept = default;
  readiness(const readiness&) = delete;
  readiness& operator=(const readiness&) = delete;

  /// \param events EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP as epoll reports them, level-triggered.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~readiness() = default;
};

struct turn_tag;

/// Runs once at the end of the turn of the loop in which it was asked for: where output that was
/// collected during the turn leaves. Destroying it takes the request back.
class turn_task : public list_hook<turn_tag> {
 public:
  virtual void on_turn_end() = 0;

 protected:
  ~turn_task() = default;
};

struct errand_tag;

/// Work that is made ahead of the moment in which it is posted: posting it needs no memory.
class errand : public list_hook<errand_tag> {
 public:
  errand() noexcept = default;
  virtual ~errand() = default;

  /// On the shard, once; it is destroyed afterwards.
  virtual void run() = 0;
};

/// Takes what other shards have put into the mailboxes of this one.
class mail_receiver {
 public:
  virtual void on_mail() = 0;

 protected:
  ~mail_receiver() = default;
};

/// One event loop. Its turn: wait, advance the timers, tell what is ready, take the mail, run what
/// was posted, run the turn's tasks.
class shard {
 public:
  /// Throws std::system_error when the kernel has no descriptors left.
  explicit shard(std::uint16_t index = 0);
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;
  ~shard();

  [[nodiscard]] std::uint16_t index() const noexcept { return index_; }

  /// The shard whose loop runs on this thread, null outside of a loop.
  [[nodiscard]] static shard* current() noexcept;

  /// The present, taken once per turn.
  [[nodiscard]] instant now() const noexcept { return now_; }

  [[nodiscard]] timer_wheel& timers() noexcept { return timers_; }

  /// Watches a descriptor for EPOLLIN and EPOLLOUT as given; errors are always told. Returns false
  /// when the kernel refuses.
  bool watch(int fd, readiness& who, std::uint32_t events);
  /// Changes what is watched for.
  void rewatch(int fd, readiness& who, std::uint32_t events);
  /// Ends it, before the descriptor is closed; nothing more is told to `who`.
  void unwatch(int fd, const readiness& who) noexcept;

  /// Runs the function on this shard, in its next turn, after what was posted before. Any thread.
  void post(std::function<void()> function);

  /// Runs the errand on this shard in its next turn, or destroys it with the shard. Any thread.
  void post(std::unique_ptr<errand> made) noexcept;

  /// Runs one of several steps of a turn, such as the events of a batch: what it throws ends that
  /// step alone. What memory ran out for is lost, as a datagram is; anything else is logged, too.
  /// \return false when it threw.
  template <typename Step>
  bool guard(Step&& step) {
    try {
      step();
      return true;
    } catch (const std::exception& error) {
      note_lost(error);
      return false;
    }
  }

  /// Runs the task at the end of this turn; once, however often it is asked for.
  void at_turn_end(turn_task& task) noexcept {
    if (!task.is_linked()) turn_tasks_.push_back(task);
  }

  /// Has `receiver` called in each turn that finds mail; before the loop runs. See mailroom.
  void add_mail_receiver(mail_receiver& receiver) { receivers_.push_back(&receiver); }
  void remove_mail_receiver(mail_receiver& receiver) noexcept { std::erase(receivers_, &receiver); }
  /// There is mail; wakes the shard when it sleeps, else costs no system call. Any thread.
  void ring() noexcept;

  /// Runs the loop on the calling thread until stop().
  void run();
  /// Ends run() after the present turn. Any thread.
  void stop() noexcept;

  /// Runs turns until the condition holds; false when `limit` has passed first. For tests and
  /// small programs.
  template <typename Condition>
  bool run_until(Condition&& condition, duration limit = seconds{10}) {
    const instant end = tandem::now() + limit;
    enter();
    while (!condition()) {
      if (tandem::now() >= end) return leave(), false;
      turn(end);
    }
    return leave(), true;
  }

  /// Turns since the shard was made. A loop with nothing to do takes none.
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

  /// Events, mail and functions that memory ran out for; timers().lost() has the timers.
  [[nodiscard]] const counter& lost() const noexcept { return lost_; }

  /// The loop did not sleep before this turn: more input is waiting, batches pay.
  [[nodiscard]] bool is_busy() const noexcept { return busy_; }

  /// How long an event waits before it is looked at, over the last half second: the longest turn,
  /// or the longest wait of a datagram in its socket's buffer. What overload is decided by.
  [[nodiscard]] duration lag() const noexcept;
  /// A socket has seen that its input waited for so long.
  void note_lag(duration waited) noexcept;

 private:
  void note_lost(const std::exception& why) noexcept;
  void run_errands();
  void enter() noexcept;
  void leave() noexcept;
  void turn(instant limit);
  [[nodiscard]] int wait_time(instant limit);
  void run_posted();
  void run_turn_tasks();

  std::uint16_t index_;
  instant now_;
  instant turn_end_; ///< when the last turn was over, that is, when the wait begins
  timer_wheel timers_;
  unique_fd epoll_;
  unique_fd bell_;
  std::uint64_t turns_ = 0;
  counter lost_;
  bool busy_ = false;
  std::atomic<bool> stopping_ = false;

  epoll_event* ready_ = nullptr; ///< what is left of the present batch
  epoll_event* ready_end_ = nullptr;

  intrusive_list<turn_task, turn_tag> turn_tasks_;
  std::vector<mail_receiver*> receivers_;
  std::vector<std::function<void()>> posted_;  ///< by this thread
  std::vector<std::function<void()>> running_; ///< the memory of the list that is run
  std::mutex mutex_;                           ///< guards the next two only
  std::vector<std::function<void()>> posted_by_others_;
  intrusive_list<errand, errand_tag> errands_; ///< owned
  // Other shards write here: not beside what this one looks at all the time.
  static constexpr std::size_t cache_line = 64;
  alignas(cache_line) std::atomic<bool> mail_ = false;
  std::atomic<bool> sleeping_ = false;

  alignas(cache_line) instant lag_window_;
  duration lag_now_{0};
  duration lag_before_{0};
};

} // namespace tandem::io

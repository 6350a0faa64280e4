// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/shard.hpp>

#include <tandem/base/log.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <new>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>

namespace tandem::io {

namespace {

thread_local shard* current_shard = nullptr;

constexpr duration lag_window = milliseconds{250};
/// A wait that is this short did not sleep.
constexpr duration awake = microseconds{4};
constexpr int most_events = 64;

unique_fd checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error{errno, std::generic_category(), what};
  return unique_fd{fd};
}

} // namespace

shard::shard(std::uint16_t index)
    : index_{index}, now_{tandem::now()}, turn_end_{now_}, timers_{now_},
      epoll_{checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")},
      bell_{checked(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")}, lag_window_{now_} {
  // Edge-triggered and never read: each write wakes once.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, bell_.get(), &event) != 0)
    throw std::system_error{errno, std::generic_category(), "epoll_ctl"};
}

shard::~shard() {
  errands_.clear_and_dispose([](errand* left) { delete left; });
}

shard* shard::current() noexcept { return current_shard; }

bool shard::watch(int fd, readiness& who, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void shard::rewatch(int fd, readiness& who, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
    log_error("epoll_ctl: cannot change what descriptor {} waits for: errno {}", fd, errno);
}

void shard::unwatch(int fd, const readiness& who) noexcept {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (epoll_event* e = ready_; e != ready_end_; ++e)
    if (e->data.ptr == &who) e->data.ptr = nullptr;
}

void shard::post(std::function<void()> function) {
  if (current_shard == this) {
    posted_.push_back(std::move(function));
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    posted_by_others_.push_back(std::move(function));
  }
  ring();
}

void shard::post(std::unique_ptr<errand> made) noexcept {
  {
    const std::lock_guard lock{mutex_};
    errands_.push_back(*made.release());
  }
  ring();
}

void shard::note_lost(const std::exception& why) noexcept {
  ++lost_;
  if (dynamic_cast<const std::bad_alloc*>(&why)) return;
  log_error("a fault of this program: {}; what it met is lost", why.what());
}

void shard::ring() noexcept {
  // Either the sleeper sees the mail before it sleeps, or this thread sees that it sleeps: both
  // sides write, then read, sequentially consistent. Who finds the flag up leaves the rest to who
  // raised it.
  if (mail_.exchange(true)) return;
  if (!sleeping_.load()) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);
}

void shard::enter() noexcept {
  current_shard = this;
  now_ = turn_end_ = tandem::now();
}

void shard::leave() noexcept { current_shard = nullptr; }

void shard::run() {
  enter();
  while (!stopping_.load()) turn(instant::max());
  stopping_.store(false);
  leave();
}

void shard::stop() noexcept {
  stopping_.store(true);
  ring();
}

int shard::wait_time(instant limit) {
  if (!posted_.empty() || !turn_tasks_.empty()) return 0;
  if (const auto due = timers_.next_due()) limit = std::min(limit, *due);
  if (limit == instant::max()) return -1;
  const auto wait = std::chrono::ceil<milliseconds>(limit - turn_end_).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, std::numeric_limits<int>::max()));
}

void shard::turn(instant limit) {
  std::array<epoll_event, most_events> events;
  int timeout = wait_time(limit);
  if (timeout != 0) {
    sleeping_.store(true);
    if (mail_.load()) timeout = 0;
  }
  const int count = epoll_wait(epoll_.get(), events.data(), most_events, timeout);
  sleeping_.store(false);
  now_ = tandem::now();
  busy_ = count > 0 && now_ - turn_end_ < awake;

  // The batch is known before anybody runs: whoever is destroyed from here on, by a timer too, is
  // taken out of it by unwatch().
  ready_ = events.data();
  ready_end_ = events.data() + std::max(count, 0);
  ++turns_;
  timers_.advance(now_);
  while (ready_ != ready_end_) {
    const epoll_event event = *ready_++;
    if (event.data.ptr)
      guard([&] { static_cast<readiness*>(event.data.ptr)->on_ready(event.events); });
  }
  if (mail_.exchange(false)) {
    for (mail_receiver* receiver : receivers_) guard([&] { receiver->on_mail(); });
    const bool is_taken = guard([this] {
      const std::lock_guard lock{mutex_};
      posted_.reserve(posted_.size() + posted_by_others_.size());
      std::move(posted_by_others_.begin(), posted_by_others_.end(), std::back_inserter(posted_));
      posted_by_others_.clear();
    });
    if (!is_taken) mail_.store(true); // in the next turn
    run_errands();
  }
  run_posted();
  run_turn_tasks();
  turn_end_ = tandem::now();
  note_lag(turn_end_ - now_);
}

void shard::run_posted() {
  if (posted_.empty()) return;
  // What these post waits for the next turn, so that nobody keeps the loop for himself.
  running_.swap(posted_);
  for (auto& function : running_) guard(function);
  running_.clear();
}

void shard::run_errands() {
  intrusive_list<errand, errand_tag> round; // what these post waits for the next turn
  {
    const std::lock_guard lock{mutex_};
    round.splice_back(errands_);
  }
  while (const std::unique_ptr<errand> next{round.pop_front()}) guard([&] { next->run(); });
}

void shard::run_turn_tasks() {
  // A task may ask for another, and for itself: one round, the rest in the next turn.
  intrusive_list<turn_task, turn_tag> round;
  round.splice_back(turn_tasks_);
  while (turn_task* task = round.pop_front()) guard([task] { task->on_turn_end(); });
}

void shard::note_lag(duration waited) noexcept {
  if (now_ - lag_window_ >= lag_window) {
    lag_before_ = now_ - lag_window_ < 2 * lag_window ? lag_now_ : duration{0};
    lag_now_ = duration{0};
    lag_window_ = now_;
  }
  lag_now_ = std::max(lag_now_, waited);
}

duration shard::lag() const noexcept {
  const duration age = now_ - lag_window_;
  if (age >= 2 * lag_window) return duration{0};
  return age >= lag_window ? lag_now_ : std::max(lag_now_, lag_before_);
}

} // namespace tandem::io

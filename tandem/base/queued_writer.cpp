// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/queued_writer.hpp>

#include <tandem/base/quiet_thread.hpp>

#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace tandem {

namespace {

using record_size = std::uint32_t;

} // namespace

struct queued_writer::state : std::enable_shared_from_this<state> {
  // Both get their memory now: nothing is allocated while the mutex is held, and what is not used
  // costs nothing, since the system gives a page only when it is written to.
  state(std::unique_ptr<record_sink> to, std::size_t most) : sink{std::move(to)}, capacity{most} {
    waiting.reserve(capacity);
    batch.reserve(capacity);
  }

  bool append(std::string_view record) noexcept;
  void run() noexcept;
  void write_all(std::string_view records) noexcept;
  bool write(std::string_view record) noexcept;
  void tell_lost(std::uint64_t records) noexcept;

  const std::unique_ptr<record_sink> sink; ///< the thread's
  const std::size_t capacity;
  std::string batch;           ///< the thread's: what it writes now
  std::uint64_t unwritten = 0; ///< the thread's: that the sink did not take, and was not told

  /// One for all shards: it is held for the copy of one record or for a swap, never while something
  /// is written, so that a lane for each shard would gain nothing.
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable idle;
  std::string waiting;       ///< records, each behind its size
  std::uint64_t missing = 0; ///< that found no room behind `waiting`
  std::uint64_t lost = 0;
  bool is_writing = false;
  bool is_ending = false;
  bool has_ended = false;
  std::thread thread;
};

bool queued_writer::state::append(std::string_view record) noexcept try {
  // First of all, so that what finds no room is told as well.
  if (!thread.joinable())
    thread = start_quiet_thread([shared = shared_from_this()] { shared->run(); });
  // Behind a gap nothing is taken until the gap is told, so that it stands where it was.
  const auto size = static_cast<record_size>(record.size());
  if (missing != 0 || waiting.size() + sizeof size + record.size() > capacity) return false;
  waiting.append(reinterpret_cast<const char*>(&size), sizeof size).append(record);
  return true;
} catch (const std::exception&) {
  return false; // there is no thread to be had
}

void queued_writer::state::run() noexcept {
  std::unique_lock lock{mutex};
  for (;;) {
    work.wait(lock, [&] { return !waiting.empty() || missing != 0 || is_ending; });
    if (waiting.empty() && missing == 0) break;
    batch.clear();
    batch.swap(waiting);
    const std::uint64_t missing_behind = std::exchange(missing, 0);
    is_writing = true;
    lock.unlock();
    write_all(batch);
    tell_lost(missing_behind);
    lock.lock();
    is_writing = false;
    if (waiting.empty() && missing == 0) idle.notify_all();
  }
  has_ended = true;
  idle.notify_all();
}

void queued_writer::state::write_all(std::string_view records) noexcept {
  while (!records.empty()) {
    record_size size = 0;
    std::memcpy(&size, records.data(), sizeof size);
    records.remove_prefix(sizeof size);
    if (write(records.substr(0, size)))
      tell_lost(std::exchange(unwritten, 0));
    else
      ++unwritten;
    records.remove_prefix(size);
  }
}

bool queued_writer::state::write(std::string_view record) noexcept try {
  return sink->write(record);
} catch (const std::exception&) {
  return false;
}

/// What cannot be told now is told with what is lost next, or behind what is written next.
void queued_writer::state::tell_lost(std::uint64_t records) noexcept try {
  if (records != 0) sink->tell_lost(records);
} catch (const std::exception&) {
  unwritten += records;
}

queued_writer::queued_writer(std::unique_ptr<record_sink> sink, std::size_t capacity,
                             duration patience)
    : patience_{patience}, state_{std::make_shared<state>(std::move(sink), capacity)} {}

queued_writer::~queued_writer() {
  std::unique_lock lock{state_->mutex};
  state_->is_ending = true;
  if (!state_->thread.joinable()) return;
  state_->work.notify_one();
  const bool has_ended =
      state_->idle.wait_for(lock, patience_, [this] { return state_->has_ended; });
  // A thread within a write that does not return cannot be ended. It has a share in the state.
  lock.unlock();
  if (has_ended)
    state_->thread.join();
  else
    state_->thread.detach();
}

void queued_writer::put(std::string_view record) noexcept {
  bool is_first = false; // since the thread took all: it may sleep
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->append(record)) {
      is_first = state_->waiting.size() == record.size() + sizeof(record_size);
    } else {
      is_first = state_->missing++ == 0;
      ++state_->lost;
    }
  }
  if (is_first) state_->work.notify_one();
}

bool queued_writer::flush(duration limit) {
  std::unique_lock lock{state_->mutex};
  return state_->idle.wait_for(lock, limit, [this] {
    return state_->waiting.empty() && state_->missing == 0 && !state_->is_writing;
  });
}

std::uint64_t queued_writer::lost() const {
  const std::lock_guard lock{state_->mutex};
  return state_->lost;
}

} // namespace tandem

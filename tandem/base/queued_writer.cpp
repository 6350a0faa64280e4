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
  state(std::unique_ptr<record_sink> to, std::size_t most) : sink{std::move(to)}, capacity{most} {}

  bool append(std::string_view record) noexcept;
  void run();
  void write_all(std::string_view records);

  const std::unique_ptr<record_sink> sink; ///< the thread's
  const std::size_t capacity;
  std::uint64_t unwritten = 0; ///< the thread's: that the sink did not take

  std::mutex mutex; ///< held for a copy or a swap, never while something is written
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
  // Behind a gap nothing is taken until the gap is told, so that it stands where it was.
  const auto size = static_cast<record_size>(record.size());
  if (missing != 0 || waiting.size() + sizeof size + record.size() > capacity) return false;
  if (!thread.joinable())
    thread = start_quiet_thread([shared = shared_from_this()] { shared->run(); });
  waiting.reserve(waiting.size() + sizeof size + record.size());
  waiting.append(reinterpret_cast<const char*>(&size), sizeof size).append(record);
  return true;
} catch (const std::exception&) {
  return false; // no memory, or no thread
}

void queued_writer::state::run() {
  std::string batch;
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
    if (missing_behind != 0) sink->tell_lost(missing_behind);
    lock.lock();
    is_writing = false;
    if (waiting.empty() && missing == 0) idle.notify_all();
  }
  has_ended = true;
  idle.notify_all();
}

void queued_writer::state::write_all(std::string_view records) {
  while (!records.empty()) {
    record_size size = 0;
    std::memcpy(&size, records.data(), sizeof size);
    records.remove_prefix(sizeof size);
    if (!sink->write(records.substr(0, size)))
      ++unwritten;
    else if (unwritten != 0)
      sink->tell_lost(std::exchange(unwritten, 0));
    records.remove_prefix(size);
  }
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
  const std::lock_guard lock{state_->mutex};
  if (!state_->append(record)) {
    ++state_->missing;
    ++state_->lost;
  } else if (state_->waiting.size() == record.size() + sizeof(record_size)) {
    state_->work.notify_one(); // the thread may sleep: this is the first since it took all
  }
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

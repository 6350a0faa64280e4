// SPDX-License-Identifier: Apache-2.0
// Work that waits for a disk, off the shards: one job at a time, on a thread of its own. Used on
// one shard.
#pragma once

#include <tandem/base/quiet_thread.hpp>
#include <tandem/io/shard.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

namespace tandem::server {

class disk_thread {
 public:
  /// \param loop where the end of a job is told; outlives this.
  explicit disk_thread(io::shard& loop) noexcept : loop_{loop} {}
  disk_thread(const disk_thread&) = delete;
  disk_thread& operator=(const disk_thread&) = delete;
  /// Waits for the job. Its end is not told any more when the loop has ended.
  ~disk_thread() {
    if (thread_.joinable()) thread_.join();
  }

  /// Starts a job; the one before must have been told.
  /// \param work runs on the thread, and throws nothing.
  /// \param then runs on the shard afterwards, and dies there.
  /// \return false when there is no thread to be had now: then neither runs.
  [[nodiscard]] bool run(std::function<void()> work, std::function<void()> then) try {
    if (thread_.joinable()) thread_.join();
    auto end = std::make_unique<told>(std::move(then));
    thread_ = start_quiet_thread([this, work = std::move(work), end = std::move(end)]() mutable {
      work();
      loop_.post(std::move(end));
    });
    return true;
  } catch (const std::exception&) {
    return false;
  }

 private:
  struct told final : io::errand {
    explicit told(std::function<void()> function) : then{std::move(function)} {}
    void run() override { then(); }
    std::function<void()> then;
  };

  io::shard& loop_;
  std::thread thread_;
};

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// Work that waits for a disk, off the shards: one job at a time, on a thread of its own. Used on
// one shard.
#pragma once

#include <tandem/io/shard.hpp>

#include <functional>
#include <thread>
#include <utility>

namespace tandem::server {

class disk_thread {
 public:
  /// \param home where the results are told; outlives this.
  explicit disk_thread(io::shard& home) noexcept : home_{home} {}
  disk_thread(const disk_thread&) = delete;
  disk_thread& operator=(const disk_thread&) = delete;
  /// Waits for the job. What it would have told is not told any more when the loop has ended.
  ~disk_thread() {
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] bool is_busy() const noexcept { return is_busy_; }

  /// Starts a job; there must be none.
  /// \param work runs on the thread; what it returns runs on the shard afterwards.
  void run(std::function<std::function<void()>()> work) {
    if (thread_.joinable()) thread_.join();
    is_busy_ = true;
    thread_ = std::thread{[this, work = std::move(work)] {
      auto tell = work();
      home_.post([this, tell = std::move(tell)] {
        is_busy_ = false;
        tell();
      });
    }};
  }

 private:
  io::shard& home_;
  std::thread thread_;
  bool is_busy_ = false; ///< the shard's
};

} // namespace tandem::server

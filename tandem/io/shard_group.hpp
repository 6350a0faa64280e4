// SPDX-License-Identifier: Apache-2.0
// The shards of the process and their threads. Owned by the main program; its functions are called
// from the main thread unless they say otherwise.
#pragma once

#include <tandem/io/shard.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace tandem::io {

/// Shards 0 to count-1. Shard 0 runs on the thread that calls run().
class shard_group {
 public:
  /// \param count at least 1.
  explicit shard_group(unsigned count);
  ~shard_group();

  [[nodiscard]] std::uint16_t size() const noexcept {
    return static_cast<std::uint16_t>(shards_.size());
  }
  [[nodiscard]] shard& operator[](std::size_t index) noexcept { return *shards_[index]; }
  /// In the order of their indices, as mailroom takes them.
  [[nodiscard]] std::vector<shard*> all() const;

  /// Starts the threads of the shards from 1 on; signals stay blocked in them.
  void start();
  /// Runs shard 0 here, start() first where that was not done, until stop(); then joins the others.
  void run();
  /// Stops all shards. Any thread.
  void stop() noexcept;
  /// Stops and joins the threads that start() made; shard 0 is left alone.
  void join();

 private:
  std::vector<std::unique_ptr<shard>> shards_;
  std::vector<std::thread> threads_;
};

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// Signals as events of a shard (signalfd). Made on the main thread before any other thread runs.
#pragma once

#include <tandem/io/shard.hpp>

#include <functional>
#include <initializer_list>
#include <signal.h>

namespace tandem::io {

/// Takes the named signals away from their default and reports each on the shard. SIGPIPE is
/// ignored from then on. The signals stay blocked when this is gone.
class signal_watch final : readiness {
 public:
  /// \param on_signal gets the signal's number, on the shard's thread.
  signal_watch(shard& loop, std::initializer_list<int> signals, std::function<void(int)> on_signal);
  ~signal_watch();

 private:
  void on_ready(std::uint32_t events) override;

  shard& loop_;
  std::function<void(int)> on_signal_;
  unique_fd fd_;
};

} // namespace tandem::io

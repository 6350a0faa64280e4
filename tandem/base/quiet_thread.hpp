// SPDX-License-Identifier: Apache-2.0
// Threads that take no signals: what is sent to the process is for the loop that watches signals.
#pragma once

#include <csignal>
#include <pthread.h>
#include <thread>
#include <utility>

namespace tandem {

/// Starts a thread in which all signals stay blocked from its first instruction on. Throws
/// std::system_error when there can be no further thread.
template <typename F>
[[nodiscard]] std::thread start_quiet_thread(F&& run) {
  struct blocked {
    blocked() {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    blocked(const blocked&) = delete;
    blocked& operator=(const blocked&) = delete;
    ~blocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before{};
  };
  const blocked while_it_starts;
  return std::thread{std::forward<F>(run)};
}

} // namespace tandem

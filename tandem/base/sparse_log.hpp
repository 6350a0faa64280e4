// SPDX-License-Identifier: Apache-2.0
// Complaints that a peer can bring about as often as it likes: one line a second stands in the log,
// and says how many of its kind did not. One thread; one object for each place that complains.
//
//   refused_.warning(now, "call {}: no program was free", id);
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/log.hpp>

#include <cstdint>
#include <iterator>
#include <utility>

namespace tandem {

class sparse_log {
 public:
  explicit sparse_log(duration interval = seconds{1}) noexcept : interval_{interval} {}

  template <typename... Args>
  void write(log_level level, instant now, fmt::format_string<Args...> format, Args&&... args) {
    if (!is_logged(level)) return;
    if (now < next_) {
      ++suppressed_;
      return;
    }
    next_ = now + interval_;
    fmt::memory_buffer text;
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    if (suppressed_ != 0)
      fmt::format_to(std::back_inserter(text), "; {} similar messages suppressed before this",
                     std::exchange(suppressed_, 0));
    log(level, "{}", fmt::string_view{text.data(), text.size()});
  }

  template <typename... Args>
  void warning(instant now, fmt::format_string<Args...> format, Args&&... args) {
    write(log_level::warning, now, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void notice(instant now, fmt::format_string<Args...> format, Args&&... args) {
    write(log_level::notice, now, format, std::forward<Args>(args)...);
  }

 private:
  duration interval_;
  instant next_{};
  std::uint64_t suppressed_ = 0;
};

} // namespace tandem

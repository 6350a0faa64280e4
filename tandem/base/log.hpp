// SPDX-License-Identifier: Apache-2.0
// The log of the process: searchable lines to standard error or to syslog. Any thread. What a peer
// sent can neither be a format nor start a line of its own: control characters are written as \xNN.
// A server holds a log_thread while its loops run, so that none of them waits for who reads the
// log.
#pragma once

#include <tandem/base/queued_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <memory>
#include <string_view>

namespace tandem {

/// How grave a line is; the numbers are those of the core parameter `debug` (SER).
enum class log_level : int {
  alert = -3,
  critical = -2,
  error = -1,
  warning = 1,
  notice = 2,
  info = 3,
  debug = 4,
};

struct log_options {
  bool to_stderr = true;                ///< else to syslog
  log_level level = log_level::notice;  ///< lines above it are not written
  std::string_view name = "tandem";     ///< ident of syslog
  std::string_view facility = "daemon"; ///< daemon, user, local0 ... local7
};

/// Says where lines go, once at start-up; any thread may log meanwhile. Before that they go to
/// standard error.
void open_log(const log_options& options);

/// While it lives, lines are queued, and a thread of its own writes them: logging is a copy into
/// memory. A queue that is full loses lines, which a line "N lines lost" says in their place once
/// there is room again. Before and after, whoever logs writes the line itself.
/// One at a time. A child process that is forked meanwhile writes its lines itself.
class log_thread {
 public:
  /// \param capacity bytes that may wait.
  explicit log_thread(std::size_t capacity = 1 << 20);
  log_thread(const log_thread&) = delete;
  log_thread& operator=(const log_thread&) = delete;
  /// Writes what waits, for at most a second. No other thread may log any more.
  ~log_thread();

  /// Waits until the lines so far are written. \return false when `limit` has passed first.
  bool flush(duration limit);

 private:
  std::unique_ptr<queued_writer> writer_;
};

/// Changes the level while running.
void set_log_level(log_level level) noexcept;
[[nodiscard]] log_level current_log_level() noexcept;

/// A number of `debug`, or what is nearest to it. There is no level 0: it means what SER made of
/// it, errors only.
[[nodiscard]] log_level log_level_of(std::int64_t debug) noexcept;

[[nodiscard]] bool is_logged(log_level level) noexcept;

/// Writes one line; one that memory runs out for is lost. Use the named functions below.
void write_log(log_level level, fmt::string_view format, fmt::format_args args);

template <typename... Args>
void log(log_level level, fmt::format_string<Args...> format, Args&&... args) {
  if (is_logged(level)) write_log(level, format, fmt::make_format_args(args...));
}

#define TANDEM_LOG_FUNCTION(name, grade)                                                           \
  template <typename... Args>                                                                      \
  void name(fmt::format_string<Args...> format, Args&&... args) {                                  \
    if (is_logged(log_level::grade))                                                               \
      write_log(log_level::grade, format, fmt::make_format_args(args...));                         \
  }
TANDEM_LOG_FUNCTION(log_critical, critical)
TANDEM_LOG_FUNCTION(log_error, error)
TANDEM_LOG_FUNCTION(log_warning, warning)
TANDEM_LOG_FUNCTION(log_notice, notice)
TANDEM_LOG_FUNCTION(log_info, info)
TANDEM_LOG_FUNCTION(log_debug, debug)
#undef TANDEM_LOG_FUNCTION

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
// The log of the process: searchable lines to standard error or to syslog. Any thread. What a peer
// sent can neither be a format nor start a line of its own: control characters are written as \xNN.
#pragma once

#include <fmt/format.h>
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

/// Opens the log, in place of what was open. Before the first call lines go to standard error.
void open_log(const log_options& options);

/// Changes the level while running.
void set_log_level(log_level level) noexcept;

[[nodiscard]] bool is_logged(log_level level) noexcept;

/// Writes one line. Use the named functions below.
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

// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/log.hpp>

#include <tandem/base/text.hpp>

#include <atomic>
#include <iterator>
#include <memory>
#include <mutex>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>

namespace tandem {

namespace {

std::atomic<int> threshold{static_cast<int>(log_level::notice)};

std::shared_ptr<spdlog::logger> make_logger(std::shared_ptr<spdlog::sinks::sink> sink,
                                            const char* pattern) {
  auto logger = std::make_shared<spdlog::logger>("tandem", std::move(sink));
  logger->set_pattern(pattern);
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  return logger;
}

std::shared_ptr<spdlog::logger> stderr_logger() {
  return make_logger(std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                     "%Y-%m-%dT%H:%M:%S.%e%z %v");
}

std::shared_ptr<spdlog::logger>& current() {
  static std::shared_ptr<spdlog::logger> logger = stderr_logger();
  return logger;
}

int facility_number(std::string_view name) {
  if (iequals(name, "user")) return LOG_USER;
  if (name.size() == 6 && iequals(name.substr(0, 5), "local") && name[5] >= '0' && name[5] <= '7')
    return LOG_LOCAL0 + ((name[5] - '0') << 3);
  return LOG_DAEMON;
}

struct grade {
  std::string_view name;
  spdlog::level::level_enum sink_level;
};

grade grade_of(log_level level) noexcept {
  switch (level) {
  case log_level::alert: return {"ALERT", spdlog::level::critical};
  case log_level::critical: return {"CRITICAL", spdlog::level::critical};
  case log_level::error: return {"ERROR", spdlog::level::err};
  case log_level::warning: return {"WARNING", spdlog::level::warn};
  case log_level::notice: return {"NOTICE", spdlog::level::info};
  case log_level::info: return {"INFO", spdlog::level::info};
  case log_level::debug: break;
  }
  return {"DEBUG", spdlog::level::debug};
}

void append_escaped(fmt::memory_buffer& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    else
      out.push_back(c);
  }
}

} // namespace

void open_log(const log_options& options) {
  set_log_level(options.level);
  if (options.to_stderr) {
    current() = stderr_logger();
    return;
  }
  // syslog writes the time and the name itself. Its socket is opened now: another root hides it.
  current() = make_logger(
      std::make_shared<spdlog::sinks::syslog_sink_mt>(
          std::string{options.name}, LOG_PID | LOG_NDELAY, facility_number(options.facility), true),
      "%v");
}

void set_log_level(log_level level) noexcept {
  threshold.store(static_cast<int>(level), std::memory_order_relaxed);
}

bool is_logged(log_level level) noexcept {
  return static_cast<int>(level) <= threshold.load(std::memory_order_relaxed);
}

void write_log(log_level level, fmt::string_view format, fmt::format_args args) {
  fmt::memory_buffer text;
  fmt::vformat_to(std::back_inserter(text), format, args);
  const auto [name, sink_level] = grade_of(level);
  fmt::memory_buffer line;
  fmt::format_to(std::back_inserter(line), "{} ", name);
  append_escaped(line, {text.data(), text.size()});
  current()->log(sink_level, spdlog::string_view_t{line.data(), line.size()});
}

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/log.hpp>

#include <tandem/base/text.hpp>
#include <tandem/base/write_whole.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <pthread.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <string>
#include <syslog.h>
#include <unistd.h>
#include <vector>

namespace tandem {

namespace {

std::atomic<int> threshold{static_cast<int>(log_level::notice)};

using output = std::shared_ptr<spdlog::logger>;

/// Standard error, with a write for each line.
class stderr_sink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    spdlog::memory_buf_t text;
    formatter_->format(line, text);
    write_whole(STDERR_FILENO, {text.data(), text.size()});
  }
  void flush_() override {}
};

/// The system's log, which writes time and name itself. Seven grades are the seven levels of
/// spdlog in their order (see grade_of), so that each reaches syslog as what it is.
class syslog_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  syslog_sink(std::string_view name, int facility) : name_{name} {
    ::openlog(name_.c_str(), LOG_PID | LOG_NDELAY, facility); // keeps the pointer
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    constexpr std::array priorities{LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING,
                                    LOG_ERR,   LOG_CRIT, LOG_ALERT};
    ::syslog(priorities.at(static_cast<std::size_t>(line.level)), "%.*s",
             static_cast<int>(line.payload.size()), line.payload.data());
  }
  void flush_() override {}

 private:
  std::string name_;
};

output make_output(std::shared_ptr<spdlog::sinks::sink> sink, const char* pattern) {
  auto logger = std::make_shared<spdlog::logger>("tandem", std::move(sink));
  logger->set_pattern(pattern);
  logger->set_level(spdlog::level::trace);
  return logger;
}

output* make_current(output made) {
  // None is ever destroyed: a thread may stand within a write to it, even when main() has ended.
  static auto& opened = *new std::vector<std::unique_ptr<output>>;
  static std::mutex mutex;
  const std::lock_guard lock{mutex};
  return opened.emplace_back(std::make_unique<output>(std::move(made))).get();
}

output to_stderr() {
  return make_output(std::make_shared<stderr_sink>(), "%Y-%m-%dT%H:%M:%S.%e%z %v");
}

/// What lines go to now.
std::atomic<output*>& current() {
  static std::atomic<output*> one{make_current(to_stderr())};
  return one;
}

/// Takes the lines while there is a log_thread.
std::atomic<queued_writer*> background{nullptr};

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
  case log_level::alert: return {"ALERT", spdlog::level::off};
  case log_level::critical: return {"CRITICAL", spdlog::level::critical};
  case log_level::error: return {"ERROR", spdlog::level::err};
  case log_level::warning: return {"WARNING", spdlog::level::warn};
  case log_level::notice: return {"NOTICE", spdlog::level::info};
  case log_level::info: return {"INFO", spdlog::level::debug};
  case log_level::debug: break;
  }
  return {"DEBUG", spdlog::level::trace};
}

/// A line on its way: what stands before its text in the queue.
struct line_head {
  spdlog::log_clock::time_point at;
  log_level level;
};

void write_line(const line_head& head, std::string_view text) {
  const auto [name, sink_level] = grade_of(head.level);
  fmt::memory_buffer line;
  fmt::format_to(std::back_inserter(line), "{} {}", name, text);
  (*current().load())
      ->log(head.at, {}, sink_level, spdlog::string_view_t{line.data(), line.size()});
}

class log_lines final : public record_sink {
 public:
  bool write(std::string_view record) override {
    line_head head;
    std::memcpy(&head, record.data(), sizeof head);
    write_line(head, record.substr(sizeof head));
    return true;
  }
  void tell_lost(std::uint64_t records) override {
    write_line({spdlog::log_clock::now(), log_level::error},
               fmt::format("{} lines lost: they came faster than the log was read", records));
  }
};

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
    current().store(make_current(to_stderr()));
    return;
  }
  // Its socket is opened now: another root hides it.
  current().store(make_current(make_output(
      std::make_shared<syslog_sink>(options.name, facility_number(options.facility)), "%v")));
}

log_thread::log_thread(std::size_t capacity)
    : writer_{std::make_unique<queued_writer>(std::make_unique<log_lines>(), capacity)} {
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { background.store(nullptr); });
  static_cast<void>(registered);
  background.store(writer_.get());
}

log_thread::~log_thread() { background.store(nullptr); }

bool log_thread::flush(duration limit) { return writer_->flush(limit); }

log_level current_log_level() noexcept {
  return static_cast<log_level>(threshold.load(std::memory_order_relaxed));
}

log_level log_level_of(std::int64_t debug) noexcept {
  const auto level = std::clamp<std::int64_t>(debug, -3, 4);
  return static_cast<log_level>(level == 0 ? -1 : level);
}

void set_log_level(log_level level) noexcept {
  threshold.store(static_cast<int>(level), std::memory_order_relaxed);
}

bool is_logged(log_level level) noexcept {
  return static_cast<int>(level) <= threshold.load(std::memory_order_relaxed);
}

void write_log(log_level level, fmt::string_view format, fmt::format_args args) try {
  fmt::memory_buffer text;
  fmt::vformat_to(std::back_inserter(text), format, args);
  const line_head head{spdlog::log_clock::now(), level};
  fmt::memory_buffer line;
  queued_writer* const writer = background.load(std::memory_order_acquire);
  if (writer)
    line.append(reinterpret_cast<const char*>(&head), reinterpret_cast<const char*>(&head + 1));
  append_escaped(line, {text.data(), text.size()});
  if (writer)
    writer->put({line.data(), line.size()});
  else
    write_line(head, {line.data(), line.size()});
} catch (const std::bad_alloc&) { // NOLINT: the line is lost, which is all there is to do
}

} // namespace tandem

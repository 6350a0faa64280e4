// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/log.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <syslog.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

/// What this process has written to syslog: priority and text.
std::vector<std::pair<int, std::string>> sent_to_syslog;

void take_syslog_line(int priority, const char* format, va_list arguments) {
  char text[256];
  std::vsnprintf(text, sizeof text, format, arguments);
  sent_to_syslog.emplace_back(priority, text);
}

} // namespace

// In place of the C library's: no test writes to the machine's log. The second one is what a
// hardened build calls.
extern "C" void syslog(int priority, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  take_syslog_line(priority, format, arguments);
  va_end(arguments);
}
extern "C" void __syslog_chk(int priority, int, const char* format, ...);
extern "C" void __syslog_chk(int priority, int, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  take_syslog_line(priority, format, arguments);
  va_end(arguments);
}

namespace tandem {
namespace {

TEST(log, every_level_reaches_syslog_as_itself) {
  open_log({.to_stderr = false, .level = log_level::debug, .facility = "local3"});
  log(log_level::alert, "a");
  log_critical("c");
  log_error("e");
  log_warning("w");
  log_notice("n");
  log_info("i");
  log_debug("d");
  open_log({});
  EXPECT_EQ(sent_to_syslog, (std::vector<std::pair<int, std::string>>{{LOG_ALERT, "ALERT a"},
                                                                      {LOG_CRIT, "CRITICAL c"},
                                                                      {LOG_ERR, "ERROR e"},
                                                                      {LOG_WARNING, "WARNING w"},
                                                                      {LOG_NOTICE, "NOTICE n"},
                                                                      {LOG_INFO, "INFO i"},
                                                                      {LOG_DEBUG, "DEBUG d"}}));
}

TEST(log, a_peer_can_not_start_a_line_of_its_own) {
  testing::internal::CaptureStderr();
  log_error("from {}", "mallory\r\n2026-01-01 NOTICE all is well");
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_NE(out.find("ERROR from mallory\\x0d\\x0a2026"), std::string::npos) << out;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1);
}

/// Standard error as a pipe of 4 KB that nobody reads until it is asked for.
class unread_stderr {
 public:
  unread_stderr() {
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    ::fcntl(ends_[1], F_SETPIPE_SZ, 4096);
    before_ = ::dup(2);
    ::dup2(ends_[1], 2);
    ::close(ends_[1]);
  }
  ~unread_stderr() {
    put_back();
    ::close(ends_[0]);
  }
  /// All that was written and will be, until standard error is what it was.
  std::string read_until(std::string_view end) {
    std::string text;
    char buffer[4096];
    while (text.find(end) == text.npos) {
      const ssize_t got = ::read(ends_[0], buffer, sizeof buffer);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }
  void put_back() {
    if (before_ < 0) return;
    ::dup2(before_, 2);
    ::close(before_);
    before_ = -1;
  }

 private:
  int ends_[2] = {-1, -1};
  int before_ = -1;
};

TEST(log, a_reader_that_does_not_read_stops_nobody_and_is_told_how_many_lines_it_missed) {
  unread_stderr reader;
  log_thread writer{16'384};
  const int lines = 5000;
  for (int i = 0; i < lines; ++i) log_error("line {} {}", i, std::string(100, 'x')); // returns
  std::string text;
  std::thread late{[&] { text = reader.read_until("the end\n"); }};
  EXPECT_TRUE(writer.flush(seconds{10}));
  log_error("the end");
  late.join();
  // There may be several gaps, each told in its place: one while the writer took what was there.
  int lost = 0;
  int gaps = 0;
  for (auto at = text.find(" lines lost"); at != text.npos; at = text.find(" lines lost", at + 1)) {
    lost += std::stoi(text.substr(text.rfind(' ', at - 1) + 1));
    ++gaps;
  }
  EXPECT_GT(lost, lines / 2);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), lines - lost + gaps + 1);
  EXPECT_NE(text.find("ERROR line 0 x"), text.npos);
}

TEST(log, what_waits_is_written_at_the_end) {
  testing::internal::CaptureStderr();
  {
    log_thread writer;
    for (int i = 0; i < 1000; ++i) log_error("line {}", i);
  }
  log_error("after");
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1001);
  EXPECT_TRUE(out.ends_with("ERROR after\n"));
}

TEST(log, a_child_writes_its_lines_itself) {
  testing::internal::CaptureStderr();
  log_thread writer;
  log_error("parent");
  ASSERT_TRUE(writer.flush(seconds{10}));
  const pid_t child = ::fork();
  if (child == 0) {
    log_error("child");
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(status, 0);
  EXPECT_NE(out.find("ERROR child\n"), std::string::npos) << out;
}

TEST(log, may_be_opened_while_others_write) {
  testing::internal::CaptureStderr();
  std::thread other{[] {
    for (int i = 0; i < 2000; ++i) log_error("line");
  }};
  for (int i = 0; i < 200; ++i) open_log({});
  other.join();
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2000);
}

TEST(log, lines_above_the_level_are_not_written) {
  testing::internal::CaptureStderr();
  set_log_level(log_level::warning);
  log_notice("quiet");
  log_warning("loud");
  set_log_level(log_level::notice);
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.find("quiet"), std::string::npos);
  EXPECT_NE(out.find("WARNING loud"), std::string::npos);
}

} // namespace
} // namespace tandem

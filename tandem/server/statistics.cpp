// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/statistics.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/split.hpp>
#include <tandem/base/write_whole.hpp>
#include <tandem/io/unique_fd.hpp>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>

namespace tandem::server {

std::string statistics_text(const observe::metrics& of) {
  std::string text;
  of.for_each([&](std::string_view name, std::string_view labels, double value) {
    if (!name.starts_with("tandem_")) return; // of the process: others tell them
    text += labels.empty() ? fmt::format("{}: {}\n", name, value)
                           : fmt::format("{}{{{}}}: {}\n", name, labels, value);
  });
  return text;
}

namespace {

/// A record is the path, a NUL, and what is appended to it.
class files final : public record_sink {
 public:
  bool write(std::string_view record) override {
    const auto end = record.find('\0');
    const std::string path{record.substr(0, end)};
    const io::unique_fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
    if (fd && write_whole(fd.get(), record.substr(end + 1))) return true;
    log_error("cannot write the statistics to '{}': {}", path, std::strerror(errno));
    return false;
  }
  void tell_lost(std::uint64_t records) override {
    log_error("{} statistics were not written: the file is too slow or cannot be written", records);
  }
};

std::string local_time() {
  char text[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

} // namespace

statistics_output::statistics_output() : file_{std::make_unique<files>()} {}

void statistics_output::write(const std::string& path, std::string_view text) {
  if (!path.empty())
    file_.put(fmt::format("{}{}--- {}\n{}", path, '\0', local_time(), text));
  else
    for (const std::string_view line : split(text, '\n')) log_notice("statistics: {}", line);
}

} // namespace tandem::server

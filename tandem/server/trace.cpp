// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/trace.hpp>

#include <tandem/base/json_text.hpp>
#include <tandem/base/write_whole.hpp>
#include <tandem/io/unique_fd.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/sip/message.hpp>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <unistd.h>

namespace tandem::server {

namespace {

void append_field(std::string& to, std::string_view name, std::string_view value) {
  to += ", \"";
  to += name;
  to += "\": ";
  append_json(to, value);
}

/// Bytes of lines that wait for a slow disk or reader.
constexpr std::size_t most_waiting = 4 << 20;

double seconds_since_1970() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since_1970).count();
}

/// A named pipe is opened for reading too: so it can be opened before somebody reads from it, and
/// stays open when nobody does any more.
int open_to_append(const std::string& path) {
  constexpr int flags = O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC;
  int fd = ::open(path.c_str(), O_WRONLY | flags, 0640);
  if (fd < 0 && errno == ENXIO) fd = ::open(path.c_str(), O_RDWR | flags, 0640);
  if (fd < 0)
    throw start_error{
        fmt::format("cannot open the trace file '{}': {}", path, std::strerror(errno))};
  return fd;
}

class trace_lines final : public record_sink {
 public:
  explicit trace_lines(int fd) noexcept : fd_{fd} {}
  bool write(std::string_view line) override { return write_whole(fd_.get(), line); }
  void tell_lost(std::uint64_t lines) override {
    write_whole(fd_.get(),
                fmt::format("{{\"time\": {:.6f}, \"lost\": {}}}\n", seconds_since_1970(), lines));
  }

 private:
  io::unique_fd fd_;
};

} // namespace

trace_file::trace_file(const std::string& path)
    : lines_{std::make_unique<trace_lines>(open_to_append(path)), most_waiting} {}

void trace_tap::on_message(const transport::tapped& seen) {
  const bool is_in = seen.way == transport::direction::in;
  line_.clear();
  fmt::format_to(std::back_inserter(line_), "{{\"time\": {:.6f}, \"direction\": \"{}\"",
                 seconds_since_1970(), is_in ? "in" : "out");
  append_field(line_, "transport", name_of(seen.transport));
  append_field(line_, "src", (is_in ? seen.peer : seen.local).to_string());
  append_field(line_, "dst", (is_in ? seen.local : seen.peer).to_string());
  append_field(line_, "first_line", seen.bytes.substr(0, seen.bytes.find_first_of("\r\n")));
  if (const auto message = sip::message::parse(seen.bytes)) {
    append_field(line_, "call_id", message->call_id());
    append_field(line_, "cseq", message->first(sip::header_id::cseq).value_or(""));
  }
  fmt::format_to(std::back_inserter(line_), ", \"size\": {}}}\n", seen.bytes.size());
  file_.write_line(line_);
}

} // namespace tandem::server

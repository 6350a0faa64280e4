// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/trace.hpp>

#include <tandem/base/text.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/sip/message.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <unistd.h>

namespace tandem::server {

namespace {

/// A JSON string; bytes that are no printable ASCII are escaped, so that any message is valid.
void append_json(std::string& to, std::string_view text) {
  to += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (to += '\\') += c;
    else if (byte < 0x20 || byte > 0x7e)
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte);
    else
      to += c;
  }
  to += '"';
}

void append_field(std::string& to, std::string_view name, std::string_view value) {
  to += ", \"";
  to += name;
  to += "\": ";
  append_json(to, value);
}

} // namespace

trace_file::trace_file(const std::string& path)
    : fd_{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)} {
  if (fd_ < 0)
    throw start_error{
        fmt::format("cannot open the trace file '{}': {}", path, std::strerror(errno))};
}

trace_file::~trace_file() { ::close(fd_); }

void trace_file::write_line(std::string_view line) const noexcept {
  // O_APPEND and one call: lines of several shards do not mix. A full disk loses lines, no calls.
  [[maybe_unused]] const ssize_t written = ::write(fd_, line.data(), line.size());
}

void trace_tap::on_message(const transport::tapped& seen) {
  using namespace std::chrono;
  const auto time = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  const bool is_in = seen.way == transport::direction::in;
  line_.clear();
  fmt::format_to(std::back_inserter(line_), "{{\"time\": {}.{:06}, \"direction\": \"{}\"",
                 time / 1'000'000, time % 1'000'000, is_in ? "in" : "out");
  append_field(line_, "transport", to_lower_copy(via_token(seen.transport)));
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

// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/fifo_request.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <utility>

namespace tandem::control {

namespace {

bool is_command_name(std::string_view name) noexcept {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_' || c == '.'; });
}

/// It names a file of the reply folder, and nothing else.
bool is_reply_name(std::string_view name) noexcept {
  return name.size() <= 255 && std::ranges::none_of(name, [](char c) {
           return c == '.' || c == '/' || c == '\\' || static_cast<unsigned char>(c) < ' ' ||
                  c == '\x7f';
         });
}

/// ":<command>:[<reply>]"
struct first_line {
  std::string_view command, reply;

  static std::optional<first_line> parse(std::string_view line) noexcept {
    if (line.size() < 3 || line.front() != ':') return std::nullopt;
    const auto second = line.find(':', 1);
    if (second == line.npos) return std::nullopt;
    const first_line made{line.substr(1, second - 1), line.substr(second + 1)};
    if (!is_command_name(made.command) || !is_reply_name(made.reply)) return std::nullopt;
    return made;
  }
};

} // namespace

fifo_reader::fifo_reader(find_command find, request_handler on_request, junk_handler on_junk)
    : find_{std::move(find)}, on_request_{std::move(on_request)}, on_junk_{std::move(on_junk)} {}

void fifo_reader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const bool is_whole = end < bytes.size();
    if (!skips_line_) {
      if (line_.size() + end + size_ > longest_request) {
        skips_line_ = true;
        line_.clear();
        give_up(fifo_request::problem::too_long);
      } else {
        line_.append(bytes.substr(0, end));
      }
    }
    bytes.remove_prefix(is_whole ? end + 1 : end);
    if (!is_whole) return;
    if (std::exchange(skips_line_, false)) continue;
    std::string line = std::exchange(line_, {});
    line.erase(line.find_last_not_of("\r\n\t ") + 1);
    take_line(line);
  }
}

void fifo_reader::end_of_patience() {
  if (!line_.empty()) { // without its end it is still a line
    std::string line = std::exchange(line_, {});
    line.erase(line.find_last_not_of("\r\n\t ") + 1);
    take_line(line);
  }
  end();
  skips_request_ = false;
}

void fifo_reader::take_line(std::string_view line) {
  if (line.empty()) {
    skips_request_ = false;
    return end();
  }
  if (begin(line)) return;
  if (!current_) {
    if (!std::exchange(skips_request_, true)) on_junk_(line);
    return;
  }
  size_ += line.size() + 1;
  current_->lines.emplace_back(line);
  if (current_->lines.size() == wanted_.most) end();
}

/// Whether the line begins a request. A line that the command before it still waits for is no
/// command, whatever it looks like: what a program hands on of others cannot give commands.
bool fifo_reader::begin(std::string_view line) {
  if (current_ && current_->lines.size() < wanted_.least) return false;
  const auto first = first_line::parse(line);
  if (!first) return false;
  const auto found = find_(first->command);
  end();
  skips_request_ = false;
  size_ = line.size() + 1;
  fifo_request made;
  made.command = first->command;
  made.reply = first->reply;
  if (!found) {
    made.what = fifo_request::problem::unknown_command;
    skips_request_ = true; // whatever it takes
    size_ = 0;
    on_request_(std::move(made));
    return true;
  }
  wanted_ = *found;
  current_ = std::move(made);
  if (wanted_.most == 0) end();
  return true;
}

void fifo_reader::end() {
  if (current_ && current_->lines.size() < wanted_.least)
    return give_up(fifo_request::problem::incomplete);
  give_up(fifo_request::problem::none);
}

void fifo_reader::give_up(fifo_request::problem why) {
  size_ = 0;
  auto request = std::exchange(current_, std::nullopt);
  if (why == fifo_request::problem::too_long) skips_request_ = true;
  if (!request) return;
  request->what = why;
  on_request_(std::move(*request));
}

} // namespace tandem::control

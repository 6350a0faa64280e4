// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/framer.hpp>

#include <algorithm>

namespace tandem::sip2 {
namespace {

constexpr unsigned char iac = 0xff; // RFC 854
constexpr unsigned char will = 0xfb, dont = 0xfe, sb = 0xfa, se = 0xf0;

constexpr unsigned char byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

/// Bytes of a telnet command at the front, 0 when there is none.
std::size_t command_size(std::string_view text) noexcept {
  if (text.size() < 2 || byte_at(text, 0) != iac) return 0;
  const auto command = byte_at(text, 1);
  if (command >= will && command <= dont) return std::min<std::size_t>(3, text.size());
  if (command == sb) {
    const auto end = text.find("\xff\xf0");
    return end == std::string_view::npos ? 0 : end + 2;
  }
  return command > se && command < iac ? 2 : 0;
}

std::string_view without_dirt(std::string_view line) noexcept {
  for (;;) {
    if (!line.empty() && byte_at(line, 0) <= 0x20)
      line.remove_prefix(1);
    else if (line.starts_with("\xef\xbb\xbf"))
      line.remove_prefix(3);
    else if (const auto n = command_size(line))
      line.remove_prefix(n);
    else
      return line;
  }
}

} // namespace

void line_framer::append(std::string_view bytes) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (discipline_ == line_discipline::telnet)
    append_telnet(bytes);
  else
    buffer_ += bytes;
}

void line_framer::append_telnet(std::string_view bytes) {
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    switch (telnet_) {
    case telnet_state::text:
      if (b == iac)
        telnet_ = telnet_state::command;
      else
        buffer_ += c;
      break;
    case telnet_state::command:
      if (b == iac) buffer_ += c;
      telnet_ = b == sb                  ? telnet_state::sub
                : b >= will && b <= dont ? telnet_state::option
                                         : telnet_state::text;
      break;
    case telnet_state::option: telnet_ = telnet_state::text; break;
    case telnet_state::sub:
      if (b == iac) telnet_ = telnet_state::sub_command;
      break;
    case telnet_state::sub_command:
      telnet_ = b == se ? telnet_state::text : telnet_state::sub;
      break;
    }
  }
}

std::optional<std::string_view> line_framer::next(accepted_end ends) {
  const char first = ends == accepted_end::lf ? '\n' : '\r';
  const char other = ends == accepted_end::any ? '\n' : first;
  for (;;) {
    auto end = scanned_;
    while (end < buffer_.size() && buffer_[end] != first && buffer_[end] != other) ++end;
    if (end == buffer_.size()) {
      scanned_ = buffer_.size();
      if (begin_ == buffer_.size()) { // idle terminals are many: keep no memory for them
        buffer_ = std::string{};
        begin_ = scanned_ = 0;
      }
      return std::nullopt;
    }
    std::string_view line{buffer_.data() + begin_, end - begin_};
    begin_ = scanned_ = end + 1;
    if (line.find('\0') != std::string_view::npos) {
      cleaned_ = line;
      std::erase(cleaned_, '\0');
      line = cleaned_;
    }
    line = without_dirt(line);
    if (ends == accepted_end::lf && line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) return line;
  }
}

bool line_framer::is_overflowing() const noexcept {
  return scanned_ == buffer_.size() && buffered() > longest;
}

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/sink.hpp>

#include <tandem/sip/line_break.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tandem::sip {

void sink::put(std::string_view text) noexcept {
  if (is_one_line(text)) [[likely]]
    put_raw(text);
  else
    put_unfolded(text);
}

void sink::put_raw(std::string_view text) noexcept {
  if (size_ < capacity_ && !text.empty())
    std::memcpy(to_ + size_, text.data(), std::min(text.size(), capacity_ - size_));
  size_ += text.size();
}

void sink::put_unfolded(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto end =
        static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_break) - text.begin());
    put_raw(text.substr(0, end));
    text.remove_prefix(end);
    if (text.empty()) return;
    const std::size_t fold = text.starts_with("\r\n") ? 2 : text.front() == '\n' ? 1 : 0;
    const bool is_fold =
        fold != 0 && text.size() > fold && (text[fold] == ' ' || text[fold] == '\t');
    if (!is_fold) safe_ = false;
    text.remove_prefix(std::max<std::size_t>(fold, 1));
  }
}

void sink::put_number(std::uint64_t value, unsigned width) noexcept {
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const auto length = static_cast<std::size_t>(end - digits);
  for (std::size_t n = length; n < width; ++n) put_raw("0");
  put_raw({digits, length});
}

} // namespace tandem::sip

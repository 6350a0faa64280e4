// SPDX-License-Identifier: Apache-2.0
// The little that the load generator reads of a SIP message.
#include "sip_text.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace tandem::bench {

namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";

std::size_t find(std::string_view text, std::string_view what) {
  const void* at = memmem(text.data(), text.size(), what.data(), what.size());
  return at == nullptr ? std::string_view::npos
                       : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  return text;
}

/// Calls each(line) for the header lines, without their CRLF.
template <class Each>
void for_each_line(std::string_view message, Each each) {
  std::size_t at = find(message, "\r\n");
  while (at != std::string_view::npos) {
    message.remove_prefix(at + 2);
    at = find(message, "\r\n");
    if (at == 0 || at == std::string_view::npos) {
      return;
    }
    each(message.substr(0, at));
  }
}

bool starts_header(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':';
}

} // namespace

std::string_view header_value(std::string_view message, std::string_view name) {
  std::array<char, 40> key{};
  key[0] = '\r';
  key[1] = '\n';
  std::memcpy(&key[2], name.data(), name.size());
  key[2 + name.size()] = ':';
  const std::size_t at = find(message, {key.data(), name.size() + 3});
  if (at == std::string_view::npos) {
    return {};
  }
  message.remove_prefix(at + name.size() + 3);
  return without_blanks(message.substr(0, find(message, "\r\n")));
}

void append_copied_lines(std::string& out, std::string_view message, std::string_view to_tag) {
  for_each_line(message, [&](std::string_view line) {
    const bool is_to = starts_header(line, "To");
    if (!is_to && !starts_header(line, "Via") && !starts_header(line, "Record-Route") &&
        !starts_header(line, "From") && !starts_header(line, "Call-ID") &&
        !starts_header(line, "CSeq")) {
      return;
    }
    out += line;
    if (is_to && find(line, ";tag=") == std::string_view::npos) {
      out += ";tag=";
      out += to_tag;
    }
    out += "\r\n";
  });
}

void append_route_lines(std::string& out, std::string_view message) {
  std::array<std::string_view, 4> found{};
  std::size_t count = 0;
  for_each_line(message, [&](std::string_view line) {
    if (count < found.size() && starts_header(line, "Record-Route")) {
      found[count++] = without_blanks(line.substr(13));
    }
  });
  while (count > 0) {
    out += "Route: ";
    out += found[--count];
    out += "\r\n";
  }
}

std::optional<std::size_t> whole_message(std::string_view buffer) {
  const std::size_t head = find(buffer, end_of_head);
  if (head == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view length = header_value(buffer.substr(0, head + 2), "Content-Length");
  std::size_t body = 0;
  std::from_chars(length.data(), length.data() + length.size(), body);
  const std::size_t whole = head + end_of_head.size() + body;
  return whole <= buffer.size() ? std::optional(whole) : std::nullopt;
}

int status_of(std::string_view message) {
  int status = 0;
  if (message.starts_with("SIP/2.0 ") && message.size() > 11) {
    std::from_chars(message.data() + 8, message.data() + 11, status);
  }
  return status;
}

void append_hex(std::string& out, std::uint64_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(value >> shift) & 15];
  }
}

std::optional<std::uint64_t> read_hex(std::string_view text, std::size_t digits) {
  std::uint64_t value = 0;
  if (text.size() < digits) {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value, 16);
  return error == std::errc{} && end == text.data() + digits ? std::optional(value) : std::nullopt;
}

} // namespace tandem::bench

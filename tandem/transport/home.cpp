// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/home.hpp>

#include <tandem/base/text.hpp>

namespace tandem::transport {

namespace {

/// What follows the name and colon of a Call-ID line; nothing (npos) for other lines.
std::size_t value_of_call_id(std::string_view line) noexcept {
  std::size_t name = 0;
  if (line.size() > 8 && iequals(line.substr(0, 7), "call-id"))
    name = 7;
  else if (line.size() > 1 && to_lower(line.front()) == 'i')
    name = 1;
  else
    return std::string_view::npos;
  // RFC 3261 7.3.1: white space may stand before the colon.
  while (name < line.size() && is_blank(line[name])) ++name;
  return name < line.size() && line[name] == ':' ? name + 1 : std::string_view::npos;
}

} // namespace

std::string_view find_call_id(std::string_view message) noexcept {
  // Blank lines may stand before the start line (RFC 3261 7.5).
  while (!message.empty() && (message.front() == '\r' || message.front() == '\n'))
    message.remove_prefix(1);
  std::size_t at = message.find('\n');
  while (at != std::string_view::npos && ++at < message.size()) {
    const std::string_view rest = message.substr(at);
    if (rest.front() == '\r' || rest.front() == '\n') return {};
    if (const auto begin = value_of_call_id(rest); begin != std::string_view::npos) {
      // A folded value goes on as long as lines begin with a blank.
      std::size_t end = rest.find('\n', begin);
      while (end != std::string_view::npos && end + 1 < rest.size() && is_blank(rest[end + 1]))
        end = rest.find('\n', end + 1);
      return trim(rest.substr(begin, end == std::string_view::npos ? end : end - begin));
    }
    at = message.find('\n', at);
  }
  return {};
}

} // namespace tandem::transport

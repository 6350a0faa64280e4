// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/home.hpp>

#include <tandem/base/text.hpp>
#include <tandem/stack/branch.hpp>

namespace tandem::transport {

namespace {

/// What follows the name and colon of a line with this header; nothing (npos) for other lines.
std::size_t value_of(std::string_view line, std::string_view name, char compact) noexcept {
  std::size_t end = 0;
  if (line.size() > name.size() + 1 && iequals(line.substr(0, name.size()), name))
    end = name.size();
  else if (line.size() > 1 && to_lower(line.front()) == compact)
    end = 1;
  else
    return std::string_view::npos;
  // RFC 3261 7.3.1: white space may stand before the colon.
  while (end < line.size() && is_blank(line[end])) ++end;
  return end < line.size() && line[end] == ':' ? end + 1 : std::string_view::npos;
}

/// Blank lines may stand before the start line (RFC 3261 7.5).
std::string_view without_blank_lines(std::string_view message) noexcept {
  while (!message.empty() && (message.front() == '\r' || message.front() == '\n'))
    message.remove_prefix(1);
  return message;
}

/// The value of the first header of that name, without the blanks around it.
std::string_view find_value(std::string_view message, std::string_view name,
                            char compact) noexcept {
  message = without_blank_lines(message);
  std::size_t at = message.find('\n');
  while (at != std::string_view::npos && ++at < message.size()) {
    const std::string_view rest = message.substr(at);
    if (rest.front() == '\r' || rest.front() == '\n') return {};
    if (const auto begin = value_of(rest, name, compact); begin != std::string_view::npos) {
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

} // namespace

std::string_view find_call_id(std::string_view message) noexcept {
  return find_value(message, "call-id", 'i');
}

std::string_view find_branch(std::string_view message) noexcept {
  constexpr std::string_view name = "branch";
  // Ours has no comma in its first value.
  std::string_view rest = find_value(message, "via", 'v');
  rest = rest.substr(0, rest.find(','));
  for (std::size_t at = rest.find(';'); at != std::string_view::npos; at = rest.find(';')) {
    rest = trim(rest.substr(at + 1));
    if (!iequals(rest.substr(0, name.size()), name)) continue;
    const std::string_view behind = trim(rest.substr(name.size()));
    if (behind.starts_with('=')) return trim(behind.substr(1, behind.find(';') - 1));
  }
  return {};
}

std::optional<std::uint16_t> home_of_response(std::string_view message, std::uint16_t shards,
                                              std::uint16_t here) noexcept {
  constexpr std::string_view begin = "SIP/"; // no method has a slash
  if (!iequals(without_blank_lines(message).substr(0, begin.size()), begin)) return std::nullopt;
  const auto home = stack::home_of_branch(find_branch(message));
  return home && *home < shards ? *home : here;
}

} // namespace tandem::transport

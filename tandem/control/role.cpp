// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/role.hpp>

#include <tandem/base/split.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace tandem::control {

namespace {

constexpr std::array<std::string_view, 4> names{"user", "read", "change", "admin"};

/// A token that can be guessed is none.
constexpr std::size_t shortest_token = 16;

} // namespace

std::string_view to_string(role of) noexcept { return names[static_cast<std::size_t>(of)]; }

std::optional<role> parse_role(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<role>(found - names.begin());
}

result<access_tokens, std::string> access_tokens::parse(std::string_view text) {
  access_tokens made;
  unsigned number = 0;
  for (const std::string_view whole : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(whole);
    if (line.empty() || line.front() == '#') continue;
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    const auto gives = parse_role(line.substr(0, end));
    const std::string_view token = trim(line.substr(end));
    if (!gives)
      return fail(
          fmt::format("line {}: expected user, read, change or admin, and a token", number));
    if (token.size() < shortest_token || token.find_first_of(" \t") != token.npos)
      return fail(fmt::format("line {}: a token is one word of at least {} characters", number,
                              shortest_token));
    made.add(*gives, secret{token});
  }
  return made;
}

void access_tokens::add(role gives, secret token) {
  if (!token.empty()) tokens_.emplace_back(gives, std::move(token));
}

std::optional<role> access_tokens::role_of(std::string_view token) const noexcept {
  std::optional<role> best;
  for (const auto& [gives, known] : tokens_) { // all of them: the time tells nothing
    const bool matches = known.matches(token);
    if (matches && (!best || *best < gives)) best = gives;
  }
  return best;
}

} // namespace tandem::control

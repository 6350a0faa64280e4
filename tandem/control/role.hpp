// SPDX-License-Identifier: Apache-2.0
// Who may ask for what: roles, and the tokens that give them. One thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/secret.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::control {

/// In ascending order: each role may do what those before it may.
enum class role : std::uint8_t {
  user,   ///< what concerns nobody else: help, version
  read,   ///< looks at everything, changes nothing
  change, ///< changes what runs: log level, reload
  admin,  ///< everything
};

/// "user", "read", "change", "admin".
[[nodiscard]] std::string_view to_string(role of) noexcept;
/// Nothing when there is no role of that name.
[[nodiscard]] std::optional<role> parse_role(std::string_view name) noexcept;

/// The bearer tokens that a door knows.
class access_tokens {
 public:
  access_tokens() = default;

  /// Reads a file of tokens: on each line a role and its token; '#' begins a comment. A role may
  /// have several. \return what is wrong, by line, without any token.
  [[nodiscard]] static result<access_tokens, std::string> parse(std::string_view text);

  /// An empty token gives nothing.
  void add(role gives, secret token);

  /// The highest role that a token gives, nothing when it is unknown. Takes the same time for every
  /// token of the same length.
  [[nodiscard]] std::optional<role> role_of(std::string_view token) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }

 private:
  std::vector<std::pair<role, secret>> tokens_;
};

} // namespace tandem::control

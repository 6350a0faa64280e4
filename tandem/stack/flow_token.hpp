// SPDX-License-Identifier: Apache-2.0
// The way to a party as a text that a URI of ours can carry (RFC 5626 5.2: flow token), so that
// later requests take the connection or the socket that the first one took, and nothing is
// remembered here. Whoever takes one back asks first whether it is ours (dialog_mark.hpp). Pure,
// any thread.
#pragma once

#include <tandem/stack/target.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace tandem::stack {

class flow_token {
 public:
  /// None: its text is empty.
  flow_token() noexcept = default;
  /// Of a way with an address: transport, flow and address, in hexadecimal digits.
  explicit flow_token(const target& way) noexcept;

  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

  /// The way again; nothing when the text is no token.
  [[nodiscard]] static std::optional<target> parse(std::string_view text) noexcept;

 private:
  static constexpr std::size_t most_bytes = 33; ///< what is fixed, and an IPv6 address

  std::array<char, 2 * most_bytes> text_{};
  std::size_t size_ = 0;
};

} // namespace tandem::stack

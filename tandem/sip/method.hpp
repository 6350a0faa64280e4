// SPDX-License-Identifier: Apache-2.0
// The methods that Tandem knows by name. RFC 3261 7.1: methods are case-sensitive; any other token
// is a method too, of which the message keeps the text. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::sip {

enum class method : std::uint8_t {
  unknown, ///< an extension method: its text is in the message
  invite,
  ack,
  bye,
  cancel,
  options,
  register_,
  prack,     ///< RFC 3262
  subscribe, ///< RFC 6665
  notify,    ///< RFC 6665
  publish,   ///< RFC 3903
  info,      ///< RFC 6086
  refer,     ///< RFC 3515
  message,   ///< RFC 3428
  update,    ///< RFC 3311
};

/// Number of enumerators, for tables indexed by method.
inline constexpr std::size_t method_count = 15;

/// The method spelled exactly `name`, method::unknown for any other text.
[[nodiscard]] method find_method(std::string_view name) noexcept;

/// The name on the wire; empty for method::unknown.
[[nodiscard]] std::string_view to_string(method m) noexcept;

} // namespace tandem::sip

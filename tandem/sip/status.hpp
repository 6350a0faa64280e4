// SPDX-License-Identifier: Apache-2.0
// Status codes and their default reason phrases (RFC 3261 21 and the registry). Any thread.
#pragma once

#include <string_view>

namespace tandem::sip {

/// The phrase the registry gives for a status; for another status the phrase of its class's x00;
/// "Unknown" outside 100 to 699.
[[nodiscard]] std::string_view default_reason(int status) noexcept;

[[nodiscard]] constexpr bool is_status(int status) noexcept {
  return status >= 100 && status <= 699;
}
[[nodiscard]] constexpr bool is_provisional(int status) noexcept { return status < 200; }
[[nodiscard]] constexpr bool is_final(int status) noexcept { return status >= 200; }
[[nodiscard]] constexpr bool is_success(int status) noexcept {
  return status >= 200 && status < 300;
}

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
// What a branch begins with that was made by RFC 3261 8.1.1.7. Pure, any thread.
#pragma once

#include <tandem/base/text.hpp>

#include <string_view>

namespace tandem::sip {

inline constexpr std::string_view magic_cookie = "z9hG4bK";

/// The branch is unique, so that it alone names the transaction; without the cookie the rules of
/// RFC 2543 match it (RFC 3261 17.2.3). The cookie alone is no branch (RFC 4475 3.3.11).
[[nodiscard]] inline bool has_magic_cookie(std::string_view branch) noexcept {
  return branch.size() > magic_cookie.size() &&
         iequals(branch.substr(0, magic_cookie.size()), magic_cookie);
}

} // namespace tandem::sip

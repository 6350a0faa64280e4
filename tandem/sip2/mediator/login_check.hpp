// SPDX-License-Identifier: Apache-2.0
// What the configuration says of a login: [[account]] and only-known-accounts, the same for
// terminals and the door. Pure, any thread.
#pragma once

#include <tandem/sip2/mediator/profile.hpp>

#include <cstdint>
#include <string>

namespace tandem::sip2 {

struct login_verdict {
  enum class kind : std::uint8_t {
    relay,  ///< the back-end decides
    accept, ///< accepted here, the back-end is not asked
    refuse, ///< refused here
  };
  kind what = kind::relay;
  std::string why; ///< of a refusal, for the log; no password
};

/// Judges a 93, and gives it the login and password that the back-end wants.
[[nodiscard]] login_verdict check_login(message& login, const terminal_rules& rules);

} // namespace tandem::sip2

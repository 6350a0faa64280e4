// SPDX-License-Identifier: Apache-2.0
// What the configuration says of a request before the back-end is asked, the same for terminals and
// the door: [[account]] and only-known-accounts of a login; require-login, status-before-login and
// minimum-version of everything else. Pure, any thread.
#pragma once

#include <tandem/sip2/mediator/profile.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

struct login_verdict {
  enum class kind : std::uint8_t {
    relay,  ///< the back-end decides
    accept, ///< accepted here, the back-end is not asked
    refuse, ///< refused here
  };
  kind what = kind::relay;
  std::string why;         ///< of a refusal, for the log; no password
  bool has_proved = false; ///< the password was compared here, and is right
};

/// Judges a 93, and gives it the login and password that the back-end wants.
[[nodiscard]] login_verdict check_login(message& login, const terminal_rules& rules);

/// Whether a session has logged in.
enum class login_state : std::uint8_t { none, accepted };

struct request_refusal {
  std::string why;         ///< for the log
  std::string_view screen; ///< for the patron; static text
};

/// Judges a request other than a 93. \return nothing: it may be relayed.
[[nodiscard]] std::optional<request_refusal> check_request(const message& request, const profile& p,
                                                           login_state login);

} // namespace tandem::sip2

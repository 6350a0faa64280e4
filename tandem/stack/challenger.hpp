// SPDX-License-Identifier: Apache-2.0
// Who asks for credentials, and by which lines (RFC 3261 22.1 to 22.3). Pure functions, any thread.
#pragma once

#include <tandem/sip/header_id.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/method.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace tandem::stack {

/// Decides about status and headers.
enum class challenger : std::uint8_t {
  user_agent, ///< registrars, too: 401, WWW-Authenticate, Authorization
  proxy,      ///< 407, Proxy-Authenticate, Proxy-Authorization
};
inline constexpr std::array challengers{challenger::user_agent, challenger::proxy};

[[nodiscard]] constexpr int challenge_status(challenger by) noexcept {
  return by == challenger::proxy ? 407 : 401;
}
[[nodiscard]] constexpr sip::header_id challenge_header(challenger by) noexcept {
  return by == challenger::proxy ? sip::header_id::proxy_authenticate
                                 : sip::header_id::www_authenticate;
}
[[nodiscard]] constexpr sip::header_id credentials_header(challenger by) noexcept {
  return by == challenger::proxy ? sip::header_id::proxy_authorization
                                 : sip::header_id::authorization;
}

/// ACK and CANCEL are never challenged (22.1).
[[nodiscard]] constexpr bool may_be_challenged(sip::method method) noexcept {
  return method != sip::method::ack && method != sip::method::cancel;
}

/// Removes the credentials for that realm, and no others. \param realm as a plain text
void erase_credentials(sip::message& from, challenger by, std::string_view realm);

/// Gives an ACK the credentials of its INVITE, line by line: it has to repeat them (22.1). A CANCEL
/// needs none. \return whether all were put
[[nodiscard]] bool copy_credentials(sip::message& ack, const sip::message& invite);

} // namespace tandem::stack

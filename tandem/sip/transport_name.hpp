// SPDX-License-Identifier: Apache-2.0
// The transports that a Via or a transport parameter can name. RFC 3261 7.3.1, 20.42: compared
// without regard to case. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::sip {

enum class transport_name : std::uint8_t {
  unknown, ///< another token: its text is where it was read
  udp,
  tcp,
  tls,
  ws,   ///< RFC 7118
  wss,  ///< RFC 7118
  sctp, ///< RFC 4168
};

/// The transport spelled `name` in any case, transport_name::unknown for any other text.
[[nodiscard]] transport_name find_transport(std::string_view name) noexcept;

/// The name in upper case, as a Via has it; empty for unknown.
[[nodiscard]] std::string_view to_string(transport_name transport) noexcept;

/// The name in lower case, as a URI parameter has it; empty for unknown.
[[nodiscard]] std::string_view as_parameter(transport_name transport) noexcept;

/// RFC 3261 19.1.2, RFC 7118 5.1: 5061 for TLS, 80 and 443 for WebSocket, 5060 for the rest.
[[nodiscard]] std::uint16_t default_port(transport_name transport) noexcept;

/// The transport delivers or fails: no retransmission by the transactions (RFC 3261 17.1.1.2).
[[nodiscard]] constexpr bool is_reliable(transport_name transport) noexcept {
  return transport != transport_name::udp && transport != transport_name::unknown;
}

/// The transport is protected by TLS.
[[nodiscard]] constexpr bool is_secure(transport_name transport) noexcept {
  return transport == transport_name::tls || transport == transport_name::wss;
}

} // namespace tandem::sip

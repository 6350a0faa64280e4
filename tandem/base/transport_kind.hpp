// SPDX-License-Identifier: Apache-2.0
// The transports of SIP as every component tells them apart. Values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem {

/// The transports of RFC 3261 18, RFC 7118.
enum class transport_kind : std::uint8_t { udp, tcp, tls, ws, wss };

/// Nothing is lost on the way, so that nothing is sent again (RFC 3261 17).
[[nodiscard]] constexpr bool is_reliable(transport_kind kind) noexcept {
  return kind != transport_kind::udp;
}

/// The next hop may be trusted with `sips:` (RFC 3261 26.2.2).
[[nodiscard]] constexpr bool is_secure(transport_kind kind) noexcept {
  return kind == transport_kind::tls || kind == transport_kind::wss;
}

/// As it stands in a Via: "UDP", "TCP", "TLS", "WS", "WSS" (RFC 3261 20.42, RFC 7118 5.2).
[[nodiscard]] constexpr std::string_view via_token(transport_kind kind) noexcept {
  constexpr std::string_view tokens[]{"UDP", "TCP", "TLS", "WS", "WSS"};
  return tokens[static_cast<std::size_t>(kind)];
}

/// 5061 for TLS, 80 and 443 for WebSocket, else 5060 (RFC 3261 19.1.2, RFC 7118 8).
[[nodiscard]] constexpr std::uint16_t default_port(transport_kind kind) noexcept {
  constexpr std::uint16_t ports[]{5060, 5060, 5061, 80, 443};
  return ports[static_cast<std::size_t>(kind)];
}

} // namespace tandem

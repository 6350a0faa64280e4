// SPDX-License-Identifier: Apache-2.0
// The transports of SIP, and what the protocol says of each: one table, which every room asks. What
// this program can do with them is transport/connectors. Values, any thread.
#pragma once

#include <tandem/base/text.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem {

/// The transports of RFC 3261 18, RFC 7118.
enum class transport_kind : std::uint8_t { udp, tcp, tls, ws, wss };

/// A row of the table.
struct transport_row {
  transport_kind kind;
  std::string_view via_token;
  std::string_view name;
  std::string_view uri_parameter;
  std::uint16_t default_port;
  bool is_reliable;
  bool is_secure;
  std::optional<transport_kind> under_sips;
};

/// In the order of the kinds.
inline constexpr std::array<transport_row, 5> transport_rows{{
    {transport_kind::udp, "UDP", "udp", "udp", 5060, false, false, std::nullopt},
    {transport_kind::tcp, "TCP", "tcp", "tcp", 5060, true, false, transport_kind::tls},
    {transport_kind::tls, "TLS", "tls", "tls", 5061, true, true, transport_kind::tls},
    {transport_kind::ws, "WS", "ws", "ws", 80, true, false, transport_kind::wss},
    {transport_kind::wss, "WSS", "wss", "ws", 443, true, true, transport_kind::wss},
}};

/// What the protocol says of a kind.
[[nodiscard]] constexpr const transport_row& row_of(transport_kind kind) noexcept {
  return transport_rows[static_cast<std::size_t>(kind)];
}

/// Nothing is lost on the way, so that nothing is sent again (RFC 3261 17). What is not reliable
/// goes by datagrams.
[[nodiscard]] constexpr bool is_reliable(transport_kind kind) noexcept {
  return row_of(kind).is_reliable;
}

/// The next hop may be trusted with `sips:` (RFC 3261 26.2.2).
[[nodiscard]] constexpr bool is_secure(transport_kind kind) noexcept {
  return row_of(kind).is_secure;
}

/// As it stands in a Via: "UDP", "TCP", "TLS", "WS", "WSS" (RFC 3261 20.42, RFC 7118 5.2).
[[nodiscard]] constexpr std::string_view via_token(transport_kind kind) noexcept {
  return row_of(kind).via_token;
}

/// As operators write and read it: "udp", "tcp", "tls", "ws", "wss".
[[nodiscard]] constexpr std::string_view name_of(transport_kind kind) noexcept {
  return row_of(kind).name;
}

/// The value of `transport` in a URI: "ws" also for "WSS", where `sips:` tells them apart (RFC 3261
/// 25.1, RFC 7118 5.2).
[[nodiscard]] constexpr std::string_view uri_parameter(transport_kind kind) noexcept {
  return row_of(kind).uri_parameter;
}

/// Of a URI or a Via: 5061 for TLS, 80 and 443 for WebSocket, else 5060 (RFC 3261 19.1.2, RFC 7118
/// 8).
[[nodiscard]] constexpr std::uint16_t default_port(transport_kind kind) noexcept {
  return row_of(kind).default_port;
}

/// What a URI of `sips:` means by naming that transport; nothing: it may not (RFC 3261 26.2.2, RFC
/// 3263 4.1).
[[nodiscard]] constexpr std::optional<transport_kind> under_sips(transport_kind kind) noexcept {
  return row_of(kind).under_sips;
}

/// The transport that a Via, a URI or an operator names, in any case (RFC 3261 7.3.1); nothing for
/// any other word, of which there may be many.
[[nodiscard]] constexpr std::optional<transport_kind>
find_transport(std::string_view name) noexcept {
  for (const transport_row& row : transport_rows)
    if (iequals(name, row.via_token)) return row.kind;
  return std::nullopt;
}

} // namespace tandem

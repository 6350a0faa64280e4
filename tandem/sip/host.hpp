// SPDX-License-Identifier: Apache-2.0
// Hosts and ports as messages write them (RFC 3261 25.1, RFC 5118 for IPv6). Views into the text
// they were parsed from; pure functions, any thread.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/sip/value.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {

enum class host_kind : std::uint8_t { name, ipv4, ipv6 };

/// host = hostname / IPv4address / IPv6reference
struct host_view {
  std::string_view text; ///< as it stands, an IPv6 address without its brackets
  host_kind kind = host_kind::name;

  /// The whole text as a host; IPv6 in brackets.
  static result<host_view, parse_error> parse(std::string_view text) noexcept;
  static result<host_view, parse_error> read(cursor& at) noexcept;
  /// The whole text as a host, whose IPv6 addresses may lack the brackets, as in the `received`
  /// and `maddr` parameters (RFC 5118 4.5). Nothing when it is none.
  static std::optional<host_view> from_text(std::string_view text) noexcept;

  [[nodiscard]] bool empty() const noexcept { return text.empty(); }
  /// With brackets around IPv6, and two colons where three stood.
  void write(sink& out) const noexcept;
  /// The address that it is; none of a name. An IPv6 address may have three colons before an IPv4
  /// one, as a fault of RFC 3261's grammar allows (RFC 5118 4.10).
  [[nodiscard]] ip_address address() const noexcept;
};

/// The same host: addresses by their bits, names but for case (RFC 3261 19.1.4).
[[nodiscard]] bool equivalent(const host_view& a, const host_view& b) noexcept;

/// hostport = host [ ":" port ], with blanks around the colon as Via allows them (20.42)
struct host_port {
  host_view host;
  std::optional<std::uint16_t>
      port; ///< nothing when it was not written; defaults are not filled in

  static result<host_port, parse_error> parse(std::string_view text) noexcept;
  static result<host_port, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
};

/// Reads digits from 0 to 65535.
inline result<std::uint16_t, parse_error> read_port(cursor& at) noexcept {
  const std::size_t from = at.offset();
  const auto port = at.take_number(0xffff);
  if (!port) return parse_failure(parse_errc::bad_port, from);
  return static_cast<std::uint16_t>(*port);
}

} // namespace tandem::sip

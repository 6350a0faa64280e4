// SPDX-License-Identifier: Apache-2.0
// Via (RFC 3261 20.42, RFC 3581 for rport). A view into the text it was parsed from.
#pragma once

#include <tandem/sip/params.hpp>
#include <tandem/sip/transport_name.hpp>

namespace tandem::sip {

/// sent-protocol LWS sent-by *( SEMI via-params )
struct via {
  std::string_view protocol = "SIP";
  std::string_view version = "2.0";
  std::string_view transport = "UDP"; ///< as it stands
  host_port sent_by;                  ///< its port only when it was written
  sip::params params;

  static result<via, parse_error> parse(std::string_view text) noexcept;
  static result<via, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  [[nodiscard]] transport_name transport_id() const noexcept { return find_transport(transport); }
  [[nodiscard]] std::string_view branch() const noexcept { return params.value("branch"); }
  /// The branch was made as RFC 3261 8.1.1.7 says; else the transaction is matched as in RFC 2543.
  /// The cookie alone is no branch (RFC 4475 3.3.11).
  [[nodiscard]] bool has_magic_cookie() const noexcept {
    constexpr std::string_view cookie = "z9hG4bK";
    return branch().size() > cookie.size() && iequals(branch().substr(0, cookie.size()), cookie);
  }
  /// The source address that a hop noted, IPv6 with or without brackets (RFC 5118 4.5).
  [[nodiscard]] std::optional<host_view> received() const noexcept {
    return params.host("received");
  }
  /// The sender asks for the source port, or a hop noted it (RFC 3581 4).
  [[nodiscard]] bool has_rport() const noexcept { return params.has("rport"); }
  /// The port that a hop noted; nothing while it is only asked for, or malformed.
  [[nodiscard]] std::optional<std::uint16_t> rport() const noexcept {
    return params.number<std::uint16_t>("rport");
  }
  [[nodiscard]] std::optional<host_view> maddr() const noexcept { return params.host("maddr"); }
  [[nodiscard]] std::optional<std::uint8_t> ttl() const noexcept {
    return params.number<std::uint8_t>("ttl");
  }
};

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
// Making URIs and changing parts of them, as script functions and builders do. What comes out was
// parsed again, so that no text of a user can change its meaning (RFC 3261 19.1.2).
#pragma once

#include <tandem/sip/uri.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip {

/// A URI in its parts, each as it stands on the wire: escape what users supply with escape_uri.
///   uri_parts parts{*old}; parts.host = "192.0.2.7"; parts.port = 5070;
///   const auto changed = make_uri(parts);
struct uri_parts {
  std::string_view scheme = "sip";
  std::string_view user;                    ///< of a tel URI: its number
  std::optional<std::string_view> password; ///< nothing without a user
  std::string_view host;                    ///< IPv6 with or without brackets; none in a tel URI
  std::optional<std::uint16_t> port;
  std::string_view params;  ///< "a=b;c", without the first semicolon
  std::string_view headers; ///< "a=b&c=d", without the question mark

  uri_parts() = default;
  /// The parts of a sip, sips or tel URI; of others only the scheme, and as user what follows it.
  explicit uri_parts(const uri& from) noexcept;
};

/// Puts the parts together and parses what comes out. Allocates.
/// \return `unsafe_text` for CR, LF or NUL anywhere; otherwise why the parts form no URI, or
/// `bad_character` when they form one with other parts (a user with an "@", a host with a ";").
[[nodiscard]] result<std::string, parse_error> make_uri(const uri_parts& parts);

/// The URI's parameters with one set, replaced in its place or appended; name and value are escaped
/// where they must be. Without a value it becomes a flag. Allocates.
[[nodiscard]] std::string with_uri_param(uri_parameters from, std::string_view name,
                                         std::optional<std::string_view> value = std::nullopt);
/// The URI's parameters without any of that name. Allocates.
[[nodiscard]] std::string without_uri_param(uri_parameters from, std::string_view name);

/// The sip URI that means a tel URI at a host: the number as its user, ";user=phone" (19.1.6).
[[nodiscard]] result<std::string, parse_error> to_sip_uri(const uri& tel, std::string_view host);

} // namespace tandem::sip

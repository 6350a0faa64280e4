// SPDX-License-Identifier: Apache-2.0
// Addresses in headers: From, To, Contact, Route and all that look like them (RFC 3261 20.10), and
// the bracketed URIs of Alert-Info and its kin (20.4). Views into the text they were parsed from.
#pragma once

#include <tandem/sip/params.hpp>
#include <tandem/sip/uri.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip {

/// ( name-addr / addr-spec ) *( SEMI generic-param )
struct name_addr {
  std::string_view display;      ///< without its quotes, pairs still escaped
  bool display_is_quoted = true; ///< write quotes around it
  bool has_angles = true;        ///< write `<` `>` around the URI; done anyhow where it must be
  uri address;
  sip::params params;

  static result<name_addr, parse_error> parse(std::string_view text) noexcept;
  static result<name_addr, parse_error> read(cursor& at) noexcept;
  /// read() in place, which spares a copy. \return why there is none; this means nothing then.
  std::optional<parse_error> assign(cursor& at) noexcept;
  /// The same of the first of the values that `text` begins with; a comma or the end follows it.
  std::optional<parse_error> assign_first(std::string_view text) noexcept;
  void write(sink& out) const noexcept;

  /// The meaning of the display name. Allocates.
  [[nodiscard]] std::string display_name() const {
    return display_is_quoted ? unquote(display) : std::string{display};
  }
  /// The tag of From and To; empty when there is none.
  [[nodiscard]] std::string_view tag() const noexcept { return params.value("tag"); }
};

/// A lifetime in seconds, at most 2^32-1 (20.19); nothing when the text is none.
[[nodiscard]] std::optional<std::uint32_t> parse_lifetime(std::string_view digits) noexcept;

/// Contact: one address, or the star of a REGISTER that removes all bindings (10.2.2).
struct contact : name_addr {
  bool is_star = false;

  static result<contact, parse_error> parse(std::string_view text) noexcept;
  static result<contact, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  /// The preference in thousandths; nothing when it is missing or malformed.
  [[nodiscard]] std::optional<std::uint16_t> q() const noexcept;
  /// The lifetime asked for in seconds, at most 2^32-1; nothing when it is missing or malformed
  /// (`params.has("expires")` tells which: 20.10 takes a malformed one for 3600).
  [[nodiscard]] std::optional<std::uint32_t> expires() const noexcept;
};

/// LAQUOT absoluteURI RAQUOT *( SEMI generic-param ), of which the brackets may be missing
struct uri_params {
  uri address;
  sip::params params;

  static result<uri_params, parse_error> parse(std::string_view text) noexcept;
  static result<uri_params, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
};

/// A URI alone, as in P-Asserted-Service (RFC 6050 4.1).
struct uri_value {
  uri address;

  static result<uri_value, parse_error> parse(std::string_view text) noexcept;
  static result<uri_value, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept { address.write(out); }
};

} // namespace tandem::sip

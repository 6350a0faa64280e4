// SPDX-License-Identifier: Apache-2.0
// Media types (RFC 3261 20.1 Accept, 20.15 Content-Type) and MIME-Version (20.24). Views into the
// text they were parsed from.
#pragma once

#include <tandem/sip/params.hpp>

namespace tandem::sip {

/// m-type SLASH m-subtype *( SEMI m-parameter ); in Accept either may be "*"
struct media_type {
  std::string_view type;
  std::string_view subtype;
  sip::params params;

  static result<media_type, parse_error> parse(std::string_view text) noexcept;
  static result<media_type, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  /// Type and subtype are these, case ignored: `is("application", "sdp")`.
  [[nodiscard]] bool is(std::string_view a_type, std::string_view a_subtype) const noexcept {
    return iequals(type, a_type) && iequals(subtype, a_subtype);
  }
  /// As a range of Accept: whether the other type is within it (20.1).
  [[nodiscard]] bool accepts(const media_type& other) const noexcept;
  /// The preference in thousandths; nothing when it is missing or malformed.
  [[nodiscard]] std::optional<std::uint16_t> q() const noexcept {
    return parse_qvalue(params.value("q"));
  }
  /// What separates the parts of a multipart body, pairs still escaped; empty when not said.
  [[nodiscard]] std::string_view boundary() const noexcept { return params.value("boundary"); }
};

/// 1*DIGIT "." 1*DIGIT
struct mime_version {
  std::uint32_t major_number = 1; ///< not `major`: a macro of the C library
  std::uint32_t minor_number = 0;

  static result<mime_version, parse_error> parse(std::string_view text) noexcept;
  static result<mime_version, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
};

} // namespace tandem::sip

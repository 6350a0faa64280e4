// SPDX-License-Identifier: Apache-2.0
// The syntax of authentication: challenges, credentials and Authentication-Info (RFC
// 3261 20.6, 20.7, 20.27, 20.28, 20.44; RFC 7616, RFC 8760). Says what was written, never whether
// it is right. Views into the text they were parsed from.
#pragma once

#include <tandem/sip/params.hpp>
#include <tandem/sip/token.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace tandem::sip {

/// The bytes that hexadecimal digits mean, two digits a byte (`response`, `rspauth`).
struct hex_bytes {
  std::array<std::uint8_t, 64> bytes{};
  std::size_t size = 0;
};

/// Nothing when the text is empty, odd, longer than 64 bytes or has another character.
[[nodiscard]] std::optional<hex_bytes> parse_hex_bytes(std::string_view text) noexcept;

/// A scheme and what goes with it: parameters, or one word of base64 as Basic and Negotiate have
/// it.
struct auth_value {
  std::string_view scheme;
  auth_params params;
  std::string_view token68; ///< RFC 7235 2.1; empty when parameters stand there

  static result<auth_value, parse_error> parse(std::string_view text) noexcept;
  static result<auth_value, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  [[nodiscard]] bool is_digest() const noexcept { return iequals(scheme, "Digest"); }
  // Quotes removed, pairs still escaped; empty when missing.
  [[nodiscard]] std::string_view realm() const noexcept { return params.value("realm"); }
  [[nodiscard]] std::string_view nonce() const noexcept { return params.value("nonce"); }
  [[nodiscard]] std::string_view opaque() const noexcept { return params.value("opaque"); }
  /// As it stands; an empty one means MD5 (RFC 7616 3.3).
  [[nodiscard]] std::string_view algorithm() const noexcept { return params.value("algorithm"); }
};

/// WWW-Authenticate and Proxy-Authenticate. One a line (20.44); `list<challenge>` also reads
/// several in one, as other protocols write them.
struct challenge : auth_value {
  static result<challenge, parse_error> parse(std::string_view text) noexcept;
  static result<challenge, parse_error> read(cursor& at) noexcept;

  [[nodiscard]] std::string_view domain() const noexcept { return params.value("domain"); }
  /// The nonce was too old, the credentials were right.
  [[nodiscard]] bool is_stale() const noexcept { return iequals(params.value("stale"), "true"); }
  /// The kinds of protection offered, such as "auth, auth-int".
  [[nodiscard]] list<token> qop() const noexcept { return list<token>{params.value("qop")}; }
  [[nodiscard]] bool offers_qop(std::string_view kind) const noexcept;
};

/// Authorization and Proxy-Authorization.
struct credentials : auth_value {
  static result<credentials, parse_error> parse(std::string_view text) noexcept;
  static result<credentials, parse_error> read(cursor& at) noexcept;

  [[nodiscard]] std::string_view username() const noexcept { return params.value("username"); }
  /// The digest-uri, byte for byte as it was hashed.
  [[nodiscard]] std::string_view digest_uri() const noexcept { return params.value("uri"); }
  [[nodiscard]] std::string_view response() const noexcept { return params.value("response"); }
  [[nodiscard]] std::optional<hex_bytes> response_bytes() const noexcept {
    return parse_hex_bytes(response());
  }
  [[nodiscard]] std::string_view cnonce() const noexcept { return params.value("cnonce"); }
  [[nodiscard]] std::string_view qop() const noexcept { return params.value("qop"); }
  /// The nonce count: eight hexadecimal digits (RFC 7616 3.4); nothing for anything else.
  [[nodiscard]] std::optional<std::uint32_t> nc() const noexcept;
  /// The user name is a hash (RFC 7616 3.4.4).
  [[nodiscard]] bool has_userhash() const noexcept {
    return iequals(params.value("userhash"), "true");
  }
};

/// ainfo *( COMMA ainfo ): a map of names and values (20.6)
struct authentication_info {
  auth_params params;

  static result<authentication_info, parse_error> parse(std::string_view text) noexcept;
  void write(sink& out) const noexcept { params.write(out); }

  [[nodiscard]] std::string_view next_nonce() const noexcept { return params.value("nextnonce"); }
  [[nodiscard]] std::string_view qop() const noexcept { return params.value("qop"); }
  [[nodiscard]] std::string_view rspauth() const noexcept { return params.value("rspauth"); }
  [[nodiscard]] std::string_view cnonce() const noexcept { return params.value("cnonce"); }
  [[nodiscard]] std::optional<std::uint32_t> nc() const noexcept;
};

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
// Why a text is no SIP message, URI or header value, and where (RFC 3261 section 25).
// Plain values, any thread.
#pragma once

#include <tandem/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::sip {

/// What is wrong with a text. The answer owed for it is the validator's business, not the parser's.
enum class parse_errc : std::uint32_t {
  // The message (RFC 3261 section 7)
  empty = 1,          ///< nothing there at all
  incomplete,         ///< the text ends before the empty line that ends the headers
  too_large,          ///< more bytes than a message, a URI or a value may have
  too_many_headers,   ///< more header lines than a message may have
  bad_start_line,     ///< neither a request line nor a status line (7.1, 7.2)
  bad_method,         ///< the method is no token (7.1)
  bad_version,        ///< not of the form SIP/digits.digits (7.1)
  bad_status_code,    ///< not three digits from 100 to 699 (7.2)
  bad_header_name,    ///< a header line whose name is no token (7.3.1)
  missing_colon,      ///< a header line without a colon (7.3.1)
  bare_lf,            ///< an LF that no CR precedes
  bare_cr,            ///< a CR that no LF follows
  nul_byte,           ///< a NUL in the start line or a header
  bad_content_length, ///< Content-Length is no number (20.14)
  conflicting_length, ///< two Content-Length headers that differ
  missing_length,     ///< no Content-Length on a stream (18.3)
  body_too_short,     ///< fewer bytes than Content-Length promises (18.3)
  duplicate_header,   ///< a header that may stand once stands twice (7.3.1)
  // Words (25.1)
  expected_token,       ///< a token should stand here
  expected_value,       ///< a value should stand here
  unterminated_quote,   ///< a quoted string without its closing quote
  unterminated_comment, ///< a comment without its closing parenthesis
  bad_quoted_pair,      ///< a backslash before CR, LF, or the end
  bad_character,        ///< a byte that may not stand here
  trailing_text,        ///< the value ended but the text goes on
  expected_number,      ///< digits should stand here
  number_too_large,     ///< a number beyond the range of its header
  expected_separator,   ///< the separator that the value needs is missing
  // URIs (19.1, RFC 3966, RFC 5118)
  bad_scheme,          ///< a URI without a scheme, or with one that is no scheme
  bad_escape,          ///< a % that two hexadecimal digits do not follow
  bad_user,            ///< a character that a user or password must escape
  expected_host,       ///< a host should stand here
  bad_host,            ///< neither a host name, nor an IPv4 address, nor an IPv6 reference
  bad_ipv6,            ///< brackets around what is no IPv6 address
  bad_port,            ///< a port that is no number from 0 to 65535
  bad_parameter,       ///< a parameter without a name, or with a character it must escape
  bad_uri_header,      ///< a URI header without a name, or with a character it must escape
  bad_phone_number,    ///< a tel URI without digits, or with other characters (RFC 3966)
  too_many_parameters, ///< more parameters than a value may have
  // Header values (20)
  expected_uri,       ///< a URI should stand here
  unterminated_angle, ///< a `<` without its `>`
  bad_display_name,   ///< a display name that needs quotes and has none (20.10)
  uri_needs_angles,   ///< a comma or question mark in a URI that no `<` `>` enclose (20.10)
  bad_date,           ///< no date of RFC 1123 in GMT (20.17)
  bad_media_type,     ///< no type "/" subtype (20.15)
  bad_protocol,       ///< a Via that does not begin with name, version and transport (20.42)
  bad_sequence,       ///< no sequence number and method (20.16)
  bad_warning,        ///< no code, agent and quoted text (20.43)
  missing_parameter,  ///< a parameter that the header must have is missing
  // Writing
  unsafe_text, ///< CR, LF or NUL in a text that would be written
  // Bodies (RFC 8866)
  bad_sdp_line, ///< a line that is not letter, "=", value
};

/// A fault of parsing: what, and at which byte of the text that was given. Eight bytes; its text is
/// made when somebody prints it.
struct parse_error {
  parse_errc code;
  std::uint32_t offset; ///< counted from the first byte of the text that was parsed

  friend constexpr bool operator==(const parse_error&, const parse_error&) = default;
};

static_assert(sizeof(parse_error) == 8);

/// One line for a log or a reason phrase: lower case, no full stop, never a byte of the input.
[[nodiscard]] std::string_view describe(parse_errc code) noexcept;

/// "<description> at byte <offset>".
[[nodiscard]] std::string to_string(parse_error error);

/// A failed result at `offset`: `return parse_failure(parse_errc::bad_host, at);`
[[nodiscard]] constexpr auto parse_failure(parse_errc code, std::size_t offset) noexcept {
  return tl::unexpected<parse_error>(parse_error{code, static_cast<std::uint32_t>(offset)});
}

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/parse_error.hpp>

namespace tandem::sip {

std::string_view describe(parse_errc code) noexcept {
  switch (code) {
  case parse_errc::empty: return "nothing to parse";
  case parse_errc::incomplete: return "the empty line behind the headers is missing";
  case parse_errc::too_large: return "too large";
  case parse_errc::too_many_headers: return "too many header lines";
  case parse_errc::bad_start_line: return "malformed start line";
  case parse_errc::bad_method: return "the method is not a token";
  case parse_errc::bad_version: return "malformed protocol version";
  case parse_errc::bad_status_code: return "malformed status code";
  case parse_errc::bad_header_name: return "malformed header name";
  case parse_errc::missing_colon: return "header line without a colon";
  case parse_errc::bare_lf: return "line feed without carriage return";
  case parse_errc::bare_cr: return "carriage return without line feed";
  case parse_errc::nul_byte: return "NUL byte in the header section";
  case parse_errc::bad_content_length: return "malformed Content-Length";
  case parse_errc::conflicting_length: return "conflicting Content-Length headers";
  case parse_errc::missing_length: return "no Content-Length on a stream";
  case parse_errc::body_too_short: return "body shorter than Content-Length";
  case parse_errc::duplicate_header: return "a header that may stand once is repeated";
  case parse_errc::expected_token: return "expected a token";
  case parse_errc::expected_value: return "expected a value";
  case parse_errc::unterminated_quote: return "missing closing quote";
  case parse_errc::unterminated_comment: return "missing closing parenthesis";
  case parse_errc::bad_quoted_pair: return "malformed quoted pair";
  case parse_errc::bad_character: return "character not allowed here";
  case parse_errc::trailing_text: return "unexpected text after the value";
  case parse_errc::expected_number: return "expected a number";
  case parse_errc::number_too_large: return "number out of range";
  case parse_errc::expected_separator: return "missing separator";
  case parse_errc::bad_scheme: return "malformed URI scheme";
  case parse_errc::bad_escape: return "malformed percent escape";
  case parse_errc::bad_user: return "character not allowed in the user part";
  case parse_errc::expected_host: return "expected a host";
  case parse_errc::bad_host: return "malformed host";
  case parse_errc::bad_ipv6: return "malformed IPv6 reference";
  case parse_errc::bad_port: return "malformed port";
  case parse_errc::bad_parameter: return "malformed parameter";
  case parse_errc::bad_uri_header: return "malformed URI header";
  case parse_errc::bad_phone_number: return "malformed telephone number";
  case parse_errc::too_many_parameters: return "too many parameters";
  case parse_errc::expected_uri: return "expected a URI";
  case parse_errc::unterminated_angle: return "missing '>'";
  case parse_errc::bad_display_name: return "the display name needs quotes";
  case parse_errc::uri_needs_angles: return "the URI needs '<' and '>'";
  case parse_errc::bad_date: return "malformed date";
  case parse_errc::bad_media_type: return "malformed media type";
  case parse_errc::bad_protocol: return "malformed Via protocol";
  case parse_errc::bad_sequence: return "malformed sequence number";
  case parse_errc::bad_warning: return "malformed warning";
  case parse_errc::missing_parameter: return "a required parameter is missing";
  case parse_errc::unsafe_text: return "CR, LF or NUL in a value";
  case parse_errc::bad_sdp_line: return "malformed SDP line";
  }
  return "unknown parse error";
}

std::string to_string(parse_error error) {
  return std::string{describe(error.code)} + " at byte " + std::to_string(error.offset);
}

} // namespace tandem::sip

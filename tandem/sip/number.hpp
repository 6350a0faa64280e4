// SPDX-License-Identifier: Apache-2.0
// Numbers in headers: Content-Length, Expires, Max-Forwards, CSeq, RAck, Session-Expires and their
// kin (RFC 3261 20, RFC 3262, RFC 4028). Views into the text they were parsed from.
#pragma once

#include <tandem/sip/method.hpp>
#include <tandem/sip/params.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::sip {

/// Reads digits, leading zeros allowed; `number_too_large` beyond `most`.
result<std::uint32_t, parse_error> read_number(cursor& at, std::uint32_t most) noexcept;

/// A number up to `Most`. As a function's argument or result it turns into a plain one by itself.
template <std::uint32_t Most>
struct bounded_number {
  std::uint32_t value = 0;

  static result<bounded_number, parse_error> parse(std::string_view text) noexcept;
  static result<bounded_number, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept { out.put_number(value); }
  constexpr operator std::uint32_t() const noexcept { return value; }
};

/// Seconds (20.19), bytes (20.14), RSeq (RFC 3262 7.1): all of 32 bits.
using number = bounded_number<0xffff'ffff>;
/// Max-Forwards and Max-Breadth: 0 to 255 (20.22, RFC 5393 5.3.3).
using hop_count = bounded_number<255>;

extern template struct bounded_number<0xffff'ffff>;
extern template struct bounded_number<255>;

/// delta-seconds *( SEMI generic-param ): Session-Expires and Min-SE (RFC 4028 4, 5)
struct number_params {
  std::uint32_t value = 0;
  sip::params params;

  static result<number_params, parse_error> parse(std::string_view text) noexcept;
  static result<number_params, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  /// Who refreshes the session: "uac", "uas", or empty (RFC 4028 4).
  [[nodiscard]] std::string_view refresher() const noexcept { return params.value("refresher"); }
};

/// CSeq = 1*DIGIT LWS Method (20.16); the number is below 2^31 (8.1.1.5)
struct cseq {
  std::uint32_t number = 0;
  std::string_view method; ///< as it stands: methods are case-sensitive

  static result<cseq, parse_error> parse(std::string_view text) noexcept;
  static result<cseq, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
  [[nodiscard]] sip::method method_id() const noexcept { return find_method(method); }
};

/// RAck = response-num LWS CSeq-num LWS Method (RFC 3262 7.2)
struct rack {
  std::uint32_t response = 0; ///< the RSeq that is acknowledged
  cseq request;               ///< the CSeq of the response that carried it

  static result<rack, parse_error> parse(std::string_view text) noexcept;
  static result<rack, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
};

} // namespace tandem::sip

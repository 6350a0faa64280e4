// SPDX-License-Identifier: Apache-2.0
// Moments and spans in headers: Date (RFC 3261 20.17), Timestamp (20.38), Retry-After (20.33).
// Pure functions; views into the text they were parsed from.
#pragma once

#include <tandem/sip/params.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::sip {

/// SIP-date = rfc1123-date, always in GMT: "Sat, 13 Nov 2010 23:29:00 GMT"
struct date {
  std::chrono::sys_seconds time; ///< a leap second is the second after it

  static result<date, parse_error> parse(std::string_view text) noexcept;
  static result<date, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
};

/// Timestamp = 1*DIGIT [ "." *DIGIT ] [ LWS delay ]. The texts are kept: a UAS sends them back as
/// they came (8.2.6.1).
struct timestamp {
  std::string_view time;
  std::string_view delay; ///< empty when there is none

  static result<timestamp, parse_error> parse(std::string_view text) noexcept;
  static result<timestamp, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  /// Each in microseconds, what is finer cut off; nothing when it does not fit in 64 bits.
  [[nodiscard]] std::optional<std::chrono::microseconds> time_span() const noexcept;
  [[nodiscard]] std::optional<std::chrono::microseconds> delay_span() const noexcept;
};

/// Retry-After = delta-seconds [ comment ] *( SEMI retry-param )
struct retry_after {
  std::uint32_t seconds = 0;
  std::string_view comment; ///< without its parentheses
  sip::params params;

  static result<retry_after, parse_error> parse(std::string_view text) noexcept;
  static result<retry_after, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  /// How long the callee will be there after that, in seconds.
  [[nodiscard]] std::optional<std::uint32_t> duration() const noexcept {
    return params.number<std::uint32_t>("duration");
  }
};

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
// How one kind of terminal writes SIP2: what differs between vendors on the wire. Plain data.
#pragma once

#include <tandem/sip2/protocol/charset.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::sip2 {

enum class line_end : std::uint8_t { cr, lf, crlf };

/// What ends a message that is received: any takes CR, LF and both.
enum class accepted_end : std::uint8_t { any, cr, lf };

/// What to do about the tail of error detection.
enum class error_detection : std::uint8_t {
  automatic, ///< verified and answered in kind when a message has one
  required,  ///< a message without one is answered with 96
  off,       ///< neither verified nor written
};

struct wire_format {
  charset text = charset::utf8;
  charset fallback = charset::latin1; ///< for bytes that are not UTF-8 where UTF-8 was expected
  char replacement = '?';             ///< for what the set lacks and nothing transliterates
  char delimiter = '|';
  line_end end = line_end::cr;
  accepted_end accepts = accepted_end::any;
  error_detection detection = error_detection::automatic;
  bool has_language_in_17 = false; ///< 3 characters before the date of a 17, as one emulator sends
  std::uint16_t longest_value = 0; ///< bytes of a field's value that are written; 0: no limit
};

[[nodiscard]] constexpr std::string_view bytes_of(line_end e) noexcept {
  switch (e) {
  case line_end::cr: return "\r";
  case line_end::lf: return "\n";
  case line_end::crlf: return "\r\n";
  }
  return "\r";
}

} // namespace tandem::sip2

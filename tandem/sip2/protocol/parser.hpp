// SPDX-License-Identifier: Apache-2.0
// Reads a SIP2 message out of a line, tolerantly: what real clients send wrong is understood, and
// noted. Never throws for any bytes. Pure, any thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/sip2/protocol/checksum.hpp>
#include <tandem/sip2/protocol/message.hpp>
#include <tandem/sip2/protocol/wire_format.hpp>

#include <optional>
#include <string_view>

namespace tandem::sip2 {

/// Code and tail of a line; the views point into it.
struct envelope {
  message_code code;
  const message_spec* spec = nullptr; ///< null: the protocol knows no such code
  std::string_view body;              ///< between code and tail
  std::optional<error_tail> tail;
  bool is_intact = true; ///< no tail, or one whose checksum is right
};

enum class parse_errc : std::uint8_t {
  too_short = 1, ///< less than the two characters of a code
};

/// Splits a line (without terminator). Only a line without a code fails.
[[nodiscard]] result<envelope, parse_errc> open_line(std::string_view line,
                                                     const wire_format& format) noexcept;

/// What a message had wrong and was understood all the same.
struct parse_notes {
  bool short_fixed = false;    ///< fixed fields missing at the end: filled with blanks
  bool stray_part = false;     ///< a part between delimiters too short for an id: left out
  bool not_in_charset = false; ///< bytes that are not UTF-8: read as the fallback
};

/// The message of an envelope whose code is known; notes are for the log.
[[nodiscard]] message read_message(const envelope& e, const wire_format& format,
                                   parse_notes* notes = nullptr);

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
// Why a message, or a line for one, could not be written as it was asked for. Values, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::sip {

/// Why an edit was refused; the message is as before.
enum class edit_errc : std::uint8_t {
  unsafe_text,    ///< CR, LF or NUL in a text that would go on the wire
  bad_name,       ///< a header name that is no token
  bad_value,      ///< a text that would not parse again
  no_such_header, ///< nothing there to change
  too_large,      ///< the edits of a message have a bound (65,535 bytes, 400 lines)
};

[[nodiscard]] constexpr std::string_view to_string(edit_errc errc) noexcept {
  switch (errc) {
  case edit_errc::unsafe_text: return "CR, LF or NUL in a text for the wire";
  case edit_errc::bad_name: return "a header name that is not a token";
  case edit_errc::bad_value: return "a value that would not parse again";
  case edit_errc::no_such_header: return "no such header";
  case edit_errc::too_large: return "too many or too large edits of one message";
  }
  return "";
}

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
// Warning (RFC 3261 20.43). A view into the text it was parsed from.
#pragma once

#include <tandem/sip/value.hpp>

namespace tandem::sip {

/// warning-value = warn-code SP warn-agent SP warn-text
struct warning {
  std::uint16_t code = 399;
  std::string_view agent; ///< host and port, or a pseudonym
  std::string_view text;  ///< without its quotes, pairs still escaped

  static result<warning, parse_error> parse(std::string_view text) noexcept;
  static result<warning, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
};

} // namespace tandem::sip

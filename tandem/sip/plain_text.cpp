// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/plain_text.hpp>

#include <tandem/sip/lexical.hpp>

namespace tandem::sip {

plain_text::plain_text(std::string_view between_quotes) : text_{between_quotes} {
  if (between_quotes.find_first_of("\\\r\n") == std::string_view::npos) return;
  own_ = unquote(between_quotes); // RFC 3261 25.1: a pair is its second byte
  is_own_ = true;
}

} // namespace tandem::sip

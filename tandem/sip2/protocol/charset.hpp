// SPDX-License-Identifier: Apache-2.0
// Character sets of terminals: ASCII, ISO-8859-1, code pages 850 (the standard's default) and 1252,
// UTF-8. Inside Tandem all text is UTF-8. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

enum class charset : std::uint8_t { ascii, latin1, cp850, cp1252, utf8 };

/// The set of a name: `ascii`, `latin-1`, `iso-8859-1`, `cp850`, `ibm850`, `cp1252`,
/// `windows-1252`, `utf-8` and the like, in any case.
[[nodiscard]] std::optional<charset> find_charset(std::string_view name);
[[nodiscard]] std::string_view to_text(charset c) noexcept;

[[nodiscard]] bool is_ascii(std::string_view bytes) noexcept;

/// Bytes of the wire as UTF-8. No byte is lost: what is not UTF-8 in a set that says so (ASCII
/// terminals send UTF-8 too) is read as `fallback`, which must be a set of single bytes.
[[nodiscard]] std::string decode(std::string_view bytes, charset from,
                                 charset fallback = charset::latin1);

/// UTF-8 as bytes of the wire. What the set does not have is transliterated (ï to i, ß to ss, a
/// curly quote to a straight one), or else becomes `replacement`. Control characters become blanks,
/// so that the result never ends a message.
[[nodiscard]] std::string encode(std::string_view utf8, charset to, char replacement = '?');

} // namespace tandem::sip2

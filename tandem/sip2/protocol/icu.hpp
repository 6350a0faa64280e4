// SPDX-License-Identifier: Apache-2.0
// What this room wants of ICU: small sets of characters, joined letters, ASCII for letters. The
// libraries are loaded when somebody asks first: most mediators never do, and they are large. Any
// thread.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2::icu {

/// The characters of the bytes 80 to FF of a set, U+FFFD where it has none; nothing when ICU does
/// not know the set or is not there.
[[nodiscard]] std::optional<std::array<char16_t, 128>> upper_half(const char* set);

/// UTF-8 with letters and marks of their own joined (NFC); nothing when that fails.
[[nodiscard]] std::optional<std::string> compose(std::string_view utf8);

/// ASCII that stands for a character: "ss" for a sharp s, empty for a mark of its own. Nothing when
/// there is none.
[[nodiscard]] std::optional<std::string> to_ascii(char32_t c);

} // namespace tandem::sip2::icu

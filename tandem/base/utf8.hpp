// SPDX-License-Identifier: Apache-2.0
// Whether bytes are UTF-8, and the characters that they are (RFC 3629). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem {

/// Takes one character off the front of a text that is not empty. Of what is not UTF-8 it takes the
/// longest beginning of a character, at least one byte, and gives nothing.
[[nodiscard]] std::optional<char32_t> take_utf8(std::string_view& text) noexcept;

/// Whether all of it is UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

} // namespace tandem

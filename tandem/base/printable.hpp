// SPDX-License-Identifier: Apache-2.0
// What peers wrote, for terminals and for lines that people and old tools read. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tandem {

/// Text without control characters (C0, C1), characters that turn a line around or break it, and
/// what is no UTF-8: '?' stands for each byte of those.
[[nodiscard]] std::string to_printable(std::string_view text);

/// How many columns a printable text takes: its characters.
[[nodiscard]] std::size_t width_of(std::string_view text) noexcept;

} // namespace tandem

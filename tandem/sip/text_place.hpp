// SPDX-License-Identifier: Apache-2.0
// A piece of a text as offsets, which stay good where the text is moved or copied. Plain value, any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::sip {

/// A piece of a text of at most 65,535 bytes, as offsets from its first one.
struct text_place {
  std::uint16_t begin = 0;
  std::uint16_t end = 0;

  constexpr text_place() noexcept = default;
  constexpr text_place(std::size_t from, std::size_t to) noexcept
      : begin{static_cast<std::uint16_t>(from)}, end{static_cast<std::uint16_t>(to)} {}
  /// Where `piece` stands in the text that begins at `first`.
  text_place(std::string_view piece, const char* first) noexcept {
    if (piece.data() == nullptr) return; // no text at all
    begin = static_cast<std::uint16_t>(piece.data() - first);
    end = static_cast<std::uint16_t>(begin + piece.size());
  }

  [[nodiscard]] std::string_view in(const char* first) const noexcept {
    return {first + begin, static_cast<std::size_t>(end - begin)};
  }
};

} // namespace tandem::sip

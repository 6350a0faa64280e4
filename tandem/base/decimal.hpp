// SPDX-License-Identifier: Apache-2.0
// A number in decimal digits, without allocating. Any thread.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem {

class decimal {
 public:
  explicit decimal(std::uint64_t number) noexcept {
    char* const begin = text_.data();
    size_ =
        static_cast<std::size_t>(std::to_chars(begin, begin + text_.size(), number).ptr - begin);
  }
  /// The digits; a view into this.
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 20> text_; // the largest number of 64 bits has as many
  std::size_t size_;
};

} // namespace tandem

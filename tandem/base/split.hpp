// SPDX-License-Identifier: Apache-2.0
// A text cut at a separator. Any thread; allocates nothing.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

namespace tandem {

/// The pieces of a text between its separators, in order, empty ones too: "a,,b" has three. A
/// separator at the end begins no piece, so that "a\n" is one line and an empty text has none.
/// The pieces are views into the text.
///
///   for (const std::string_view line : split(text, '\n')) ...
class split {
 public:
  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;

    constexpr iterator() noexcept = default;
    constexpr iterator(std::string_view rest, char at) noexcept : rest_{rest}, separator_{at} {
      step();
    }
    constexpr std::string_view operator*() const noexcept { return now_; }
    constexpr iterator& operator++() noexcept {
      step();
      return *this;
    }
    constexpr iterator operator++(int) noexcept {
      const iterator before = *this;
      step();
      return before;
    }
    friend constexpr bool operator==(const iterator& a, std::default_sentinel_t) noexcept {
      return a.is_done_;
    }
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept {
      return a.is_done_ == b.is_done_ && a.now_.data() == b.now_.data();
    }

   private:
    constexpr void step() noexcept {
      is_done_ = rest_.empty();
      const std::size_t end = rest_.find(separator_);
      now_ = rest_.substr(0, end);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    }

    std::string_view rest_;
    std::string_view now_;
    char separator_ = '\0';
    bool is_done_ = true;
  };

  constexpr split(std::string_view text, char separator) noexcept
      : text_{text}, separator_{separator} {}

  [[nodiscard]] constexpr iterator begin() const noexcept { return {text_, separator_}; }
  [[nodiscard]] constexpr std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::string_view text_;
  char separator_;
};

} // namespace tandem

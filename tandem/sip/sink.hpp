// SPDX-License-Identifier: Apache-2.0
// Where values are written: a bounded piece of memory that counts what would not fit and notices
// what must not be written. Never allocates. One thread at a time; borrows the memory it is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tandem::sip {

/// Takes the text of a value. Without room it only measures: write once to a `sink{}` for the size,
/// then once more to the memory. A line fold (CRLF and blank, RFC 3261 7.3.1) comes out as its
/// blank; any other CR, LF or NUL is left out and makes the text unsafe, so that no value that a
/// user supplied can end a header line.
class sink {
 public:
  /// Measures only.
  constexpr sink() noexcept = default;
  /// Writes to `room`, which must outlive the sink.
  constexpr explicit sink(std::span<char> room) noexcept
      : to_{room.data()}, capacity_{room.size()} {}

  /// Appends the text; what is beyond the room is only counted.
  void put(std::string_view text) noexcept;
  /// Appends one character.
  void put(char c) noexcept { put(std::string_view{&c, 1}); }
  /// Appends a number in decimal digits, at least `width` of them.
  void put_number(std::uint64_t value, unsigned width = 1) noexcept;

  /// Bytes that the whole text takes, whether they fitted or not.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The text that was written, as far as it fitted; empty when measuring.
  [[nodiscard]] std::string_view text() const noexcept {
    return {to_, size_ < capacity_ ? size_ : capacity_};
  }
  /// No CR, LF or NUL was among the text.
  [[nodiscard]] bool is_safe() const noexcept { return safe_; }
  /// Nothing was cut.
  [[nodiscard]] bool has_fitted() const noexcept { return size_ <= capacity_; }

 private:
  void put_raw(std::string_view text) noexcept;
  void put_unfolded(std::string_view text) noexcept;

  char* to_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  bool safe_ = true;
};

} // namespace tandem::sip

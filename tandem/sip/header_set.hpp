// SPDX-License-Identifier: Apache-2.0
// A set of header names, one bit each. Plain value, any thread.
#pragma once

#include <tandem/sip/header_id.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace tandem::sip {

/// Headers that are not in headers.def share one bit, that of header_id::unknown.
class header_set {
 public:
  constexpr header_set() noexcept = default;
  constexpr header_set(std::initializer_list<header_id> ids) noexcept {
    for (const header_id id : ids) add(id);
  }

  [[nodiscard]] constexpr bool has(header_id id) const noexcept {
    return (words_[index(id)] & bit(id)) != 0;
  }
  constexpr void add(header_id id) noexcept { words_[index(id)] |= bit(id); }
  /// One of them is in both.
  [[nodiscard]] constexpr bool meets(const header_set& other) const noexcept {
    return ((words_[0] & other.words_[0]) | (words_[1] & other.words_[1])) != 0;
  }

 private:
  static_assert(header_count <= 128);
  static constexpr std::size_t index(header_id id) noexcept {
    return static_cast<unsigned>(id) / 64;
  }
  static constexpr std::uint64_t bit(header_id id) noexcept {
    return std::uint64_t{1} << static_cast<unsigned>(id) % 64;
  }

  std::array<std::uint64_t, 2> words_{};
};

/// The names of the header lines of a message.
struct line_names {
  header_set present;
  header_set repeated; ///< in two lines or more

  constexpr void add(header_id id) noexcept {
    if (present.has(id)) repeated.add(id);
    present.add(id);
  }
};

} // namespace tandem::sip

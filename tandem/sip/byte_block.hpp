// SPDX-License-Identifier: Apache-2.0
// Sixteen bytes looked at together, with SSE2 where there is some (on every x86-64) and one after
// the other elsewhere. An answer has one bit for each byte, the first lowest. Pure, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tandem::sip {

class byte_block {
 public:
  static constexpr std::size_t size = 16;
  using mask = unsigned;
  static constexpr mask all = 0xffff;

#ifdef __SSE2__
  /// The `size` bytes at `p`.
  explicit byte_block(const char* p) noexcept
      : bytes_{_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))} {}

  [[nodiscard]] mask equal_to(char c) const noexcept {
    return to_mask(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(c)));
  }
  [[nodiscard]] mask equal_to(const char* others) const noexcept {
    return to_mask(_mm_cmpeq_epi8(bytes_, byte_block{others}.bytes_));
  }
  /// Any of these.
  template <char... C>
  [[nodiscard]] mask any_of() const noexcept {
    __m128i found = _mm_setzero_si128();
    ((found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes_, _mm_set1_epi8(C)))), ...);
    return to_mask(found);
  }
  /// Bytes that are no more than `c`, as unsigned numbers.
  [[nodiscard]] mask up_to(char c) const noexcept {
    return to_mask(_mm_cmpeq_epi8(_mm_min_epu8(bytes_, _mm_set1_epi8(c)), bytes_));
  }
  /// Bytes from 0x80 on.
  [[nodiscard]] mask high() const noexcept { return to_mask(bytes_); }
  /// Bytes from `low` to `high`, as unsigned numbers.
  [[nodiscard]] mask between(char low, char high) const noexcept {
    const __m128i above = _mm_sub_epi8(bytes_, _mm_set1_epi8(low));
    const __m128i width = _mm_set1_epi8(static_cast<char>(high - low));
    return to_mask(_mm_cmpeq_epi8(_mm_min_epu8(above, width), above));
  }
  /// Each with the bit 0x20 set, which makes a lower-case letter of every letter.
  [[nodiscard]] byte_block folded() const noexcept {
    return byte_block{_mm_or_si128(bytes_, _mm_set1_epi8(0x20))};
  }

 private:
  explicit byte_block(__m128i bytes) noexcept : bytes_{bytes} {}
  static mask to_mask(__m128i bytes) noexcept {
    return static_cast<mask>(_mm_movemask_epi8(bytes));
  }

  __m128i bytes_;
#else
  explicit byte_block(const char* p) noexcept { std::memcpy(bytes_.data(), p, size); }

  [[nodiscard]] mask equal_to(char c) const noexcept {
    return where([c](char b, std::size_t) { return b == c; });
  }
  [[nodiscard]] mask equal_to(const char* others) const noexcept {
    return where([others](char b, std::size_t i) { return b == others[i]; });
  }
  template <char... C>
  [[nodiscard]] mask any_of() const noexcept {
    return where([](char b, std::size_t) { return ((b == C) || ...); });
  }
  [[nodiscard]] mask up_to(char c) const noexcept {
    return where([c](char b, std::size_t) {
      return static_cast<unsigned char>(b) <= static_cast<unsigned char>(c);
    });
  }
  [[nodiscard]] mask high() const noexcept {
    return where([](char b, std::size_t) { return static_cast<unsigned char>(b) >= 0x80; });
  }
  [[nodiscard]] mask between(char low, char high) const noexcept {
    return where([=](char b, std::size_t) {
      return static_cast<unsigned char>(b - low) <= static_cast<unsigned char>(high - low);
    });
  }
  [[nodiscard]] byte_block folded() const noexcept {
    byte_block copy = *this;
    for (char& b : copy.bytes_) b = static_cast<char>(b | 0x20);
    return copy;
  }

 private:
  template <typename F>
  [[nodiscard]] mask where(F is_it) const noexcept {
    mask found = 0;
    for (std::size_t i = 0; i < size; ++i) found |= mask{is_it(bytes_[i], i)} << i;
    return found;
  }

  std::array<char, size> bytes_;
#endif
};

} // namespace tandem::sip

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
  /// Letters, digits, '-' and '.': what nearly every word is made of.
  [[nodiscard]] mask words() const noexcept {
    const __m128i lower = _mm_or_si128(bytes_, _mm_set1_epi8(0x20));
    const __m128i letters = in_range(lower, 'a', 'z');
    const __m128i slashes = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('/'));
    return to_mask(_mm_or_si128(letters, _mm_andnot_si128(slashes, in_range(bytes_, '-', '9'))));
  }
  /// Each with those bits set too that the byte of `others` has.
  [[nodiscard]] byte_block with_bits(const char* others) const noexcept {
    return byte_block{_mm_or_si128(bytes_, byte_block{others}.bytes_)};
  }

 private:
  explicit byte_block(__m128i bytes) noexcept : bytes_{bytes} {}
  static __m128i in_range(__m128i bytes, char low, char high) noexcept {
    const __m128i above = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
    const __m128i width = _mm_set1_epi8(static_cast<char>(high - low));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, width), above);
  }
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
  [[nodiscard]] mask words() const noexcept {
    return where([](char b, std::size_t) {
      const char lower = static_cast<char>(b | 0x20);
      return (lower >= 'a' && lower <= 'z') || (b >= '-' && b <= '9' && b != '/');
    });
  }
  [[nodiscard]] byte_block with_bits(const char* others) const noexcept {
    byte_block copy = *this;
    for (std::size_t i = 0; i < size; ++i)
      copy.bytes_[i] = static_cast<char>(bytes_[i] | others[i]);
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

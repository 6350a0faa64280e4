// SPDX-License-Identifier: Apache-2.0
// The searches that scanner, framer and setters share: the next byte that ends a line or must not
// be in one.
// Pure, any thread.
#pragma once

#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tandem::sip {

/// The first of these bytes in [from, end), or end.
template <char... Bytes>
[[nodiscard]] inline const char* find_byte(const char* from, const char* end) noexcept {
#ifdef __SSE2__
  // Sixteen bytes at a time: the scan of a message spends much of its time here.
  for (; end - from >= 16; from += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    __m128i found = _mm_setzero_si128();
    ((found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(Bytes)))), ...);
    if (const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found)))
      return from + std::countr_zero(mask);
  }
#endif
  while (from != end && ((*from != Bytes) && ...)) ++from;
  return from;
}

/// The first CR, LF or NUL in [from, end), or end.
[[nodiscard]] inline const char* find_break(const char* from, const char* end) noexcept {
  return find_byte<'\r', '\n', '\0'>(from, end);
}

/// The byte at `p` is the second of a quoted pair: an odd number of backslashes stands before it.
/// RFC 3261 25.1 lets such a pair mean NUL (RFC 4475 3.1.1.2 has one).
[[nodiscard]] inline bool is_escaped(const char* begin, const char* p) noexcept {
  bool is_odd = false;
  while (p != begin && p[-1] == '\\') {
    is_odd = !is_odd;
    --p;
  }
  return is_odd;
}

} // namespace tandem::sip

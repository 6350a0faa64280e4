// SPDX-License-Identifier: Apache-2.0
// The search that scanner and framer share: the next byte that ends a line or must not be in one.
// Pure, any thread.
#pragma once

#include <bit>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tandem::sip {

/// The first CR, LF or NUL in [from, end), or end.
[[nodiscard]] inline const char* find_break(const char* from, const char* end) noexcept {
#ifdef __SSE2__
  // Sixteen bytes at a time: the scan of a message spends a third of its instructions here.
  const __m128i cr = _mm_set1_epi8('\r');
  const __m128i lf = _mm_set1_epi8('\n');
  const __m128i nul = _mm_setzero_si128();
  for (; end - from >= 16; from += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i found =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, cr), _mm_cmpeq_epi8(bytes, lf)),
                     _mm_cmpeq_epi8(bytes, nul));
    if (const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found)))
      return from + std::countr_zero(mask);
  }
#endif
  while (from != end && *from != '\r' && *from != '\n' && *from != '\0') ++from;
  return from;
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

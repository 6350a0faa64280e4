// SPDX-License-Identifier: Apache-2.0
// The searches that scanner, framer and setters share: the next byte that ends a line or must not
// be in one.
// Pure, any thread.
#pragma once

#include <bit>
#include <string_view>

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

/// The first CR, LF or NUL in [from, end), or `Also` where that comes first, or end.
template <char Also = '\r'>
[[nodiscard]] inline const char* find_break(const char* from, const char* end) noexcept {
  const auto is_it = [](char c) { return c == Also || c == '\r' || c == '\n' || c == '\0'; };
#ifdef __SSE2__
  // All up to CR in one comparison; what else that finds is rare, and passed over.
  const __m128i cr = _mm_set1_epi8('\r');
  while (end - from >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    __m128i found = _mm_cmpeq_epi8(_mm_min_epu8(bytes, cr), bytes);
    if constexpr (Also != '\r')
      found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(Also)));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (mask == 0) {
      from += 16;
      continue;
    }
    from += std::countr_zero(mask);
    if (is_it(*from)) return from;
    ++from;
  }
#endif
  while (from != end && !is_it(*from)) ++from;
  return from;
}

/// The text may stand in a header line: no CR, no LF, no NUL.
[[nodiscard]] inline bool is_one_line(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  return find_break(text.data(), end) == end;
}

/// The first colon of a line, and the first byte of it that is no more than CR (a line break, NUL,
/// a tab ...): one pass for both.
struct line_marks {
  const char* colon; ///< null when none stands before `stop`
  const char* stop;
};

[[nodiscard]] inline line_marks find_marks(const char* from, const char* end) noexcept {
  const char* colon = nullptr;
#ifdef __SSE2__
  const __m128i cr = _mm_set1_epi8('\r');
  const __m128i colon_byte = _mm_set1_epi8(':');
  for (; end - from >= 16; from += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const auto colons = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, colon_byte)));
    if (!colon && colons != 0) colon = from + std::countr_zero(colons);
    if (const auto stops = static_cast<unsigned>(
            _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, cr), bytes)))) {
      const char* const stop = from + std::countr_zero(stops);
      return {colon < stop ? colon : nullptr, stop};
    }
  }
#endif
  for (; from != end && static_cast<unsigned char>(*from) > '\r'; ++from)
    if (!colon && *from == ':') colon = from;
  return {colon, from};
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

/// Nothing that the scanner finds fault with: no CR, no LF, NUL only as a quoted pair.
[[nodiscard]] inline bool is_received_text(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); (p = find_break(p, end)) != end; ++p)
    if (*p != '\0' || !is_escaped(text.data(), p)) return false;
  return true;
}

} // namespace tandem::sip

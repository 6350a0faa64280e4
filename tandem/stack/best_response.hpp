// SPDX-License-Identifier: Apache-2.0
// Which of the failures of a forked request goes upstream (RFC 3261 16.7 step 6). Pure, any thread.
#pragma once

#include <cstdint>

namespace tandem::stack {

enum class response_choice : std::uint8_t {
  lowest_code, ///< as SER: no class is special
  rfc_3261,    ///< 6xx first, then the lowest class; in 4xx first what tells how to ask again
};

/// Whether a response of status `candidate` is to be preferred to one of status `best`; 0 is no
/// response at all.
[[nodiscard]] constexpr bool is_better(int candidate, int best, response_choice choice) noexcept {
  if (best == 0) return candidate != 0;
  if (candidate == 0) return false;
  if (choice == response_choice::lowest_code) return candidate < best;
  const auto rank = [](int status) {
    const int of_class = status >= 600 ? 0 : status / 100;
    const bool tells_more =
        status == 401 || status == 407 || status == 415 || status == 420 || status == 484;
    return of_class * 10'000 + (tells_more ? 0 : 1'000) + status;
  };
  return rank(candidate) < rank(best);
}

} // namespace tandem::stack

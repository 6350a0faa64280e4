// SPDX-License-Identifier: Apache-2.0
// How commands tell until when a contact lasts. Any thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/sip/binding.hpp>

#include <cstdint>

namespace tandem::modules {

/// So many seconds, or more, mean for ever, as tools of operators have always written it.
inline constexpr std::int64_t permanent_seconds = (std::int64_t{1} << 30U) - 1;

/// Seconds until a contact ends, the one that has begun among them.
[[nodiscard]] inline std::int64_t seconds_left(const sip::binding& b, instant now) noexcept {
  if (b.expires == instant::max()) return permanent_seconds;
  return std::chrono::ceil<seconds>(b.expires - now).count();
}

} // namespace tandem::modules

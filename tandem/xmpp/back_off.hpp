// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: twice as long each time, with a bound, and a part by
// chance, so that those who were cut off together do not come back together. One thread.
#pragma once

#include <tandem/base/clock.hpp>

#include <algorithm>
#include <cstdint>

namespace tandem::xmpp {

class back_off {
 public:
  static constexpr seconds longest{300};

  /// \param at_least of this attempt; \param random any number. Up to a quarter more is added.
  [[nodiscard]] duration next(seconds at_least, std::uint64_t random) noexcept {
    const seconds doubled{std::int64_t{1} << std::min<std::uint32_t>(attempts_, 9)};
    if (attempts_ < UINT32_MAX) ++attempts_;
    const duration chosen = std::clamp(doubled, at_least, std::max(at_least, longest));
    return chosen + part(chosen / 4, random);
  }
  void reset() noexcept { attempts_ = 0; }

  /// A part of `whole` by chance.
  [[nodiscard]] static duration part(duration whole, std::uint64_t random) noexcept {
    constexpr std::uint64_t steps = 1024;
    return whole / steps * static_cast<std::int64_t>(random % steps);
  }

 private:
  std::uint32_t attempts_ = 0;
};

} // namespace tandem::xmpp

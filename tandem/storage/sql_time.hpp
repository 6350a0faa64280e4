// SPDX-License-Identifier: Apache-2.0
// Moments as the columns of a database hold them: UTC, to the second, "2026-11-29 05:58:34".
// Values, any thread.
#pragma once

#include <tandem/base/clock.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::storage {

using sql_clock = std::chrono::system_clock;

/// What stands for a moment that never comes.
inline constexpr std::string_view sql_never = "9999-12-31 23:59:59";

[[nodiscard]] std::string to_sql_time(sql_clock::time_point when);
/// A fraction of a second behind it is left out; nothing for what is no time.
[[nodiscard]] std::optional<sql_clock::time_point> parse_sql_time(std::string_view text);

/// The two clocks side by side, to turn a moment of the one into the other's.
struct clock_pair {
  instant steady = tandem::now();
  sql_clock::time_point wall = sql_clock::now();

  /// instant::max() is never.
  [[nodiscard]] std::string to_sql(instant when) const;
  /// Never, and what is too far away, is instant::max().
  [[nodiscard]] std::optional<instant> from_sql(std::string_view text) const;
};

} // namespace tandem::storage

// SPDX-License-Identifier: Apache-2.0
// Dates of SIP2: 18 characters YYYYMMDDZZZZHHMMSS, ZZZZ four blanks (local time) or three blanks
// and a zone letter. Any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

using wall_time = std::chrono::system_clock::time_point;

enum class date_zone { local, utc };

/// A moment as the 18 characters, to the second.
[[nodiscard]] std::string format_date(wall_time when, date_zone zone = date_zone::local);

/// The 18 characters have the form of a date; whether there is such a day is not asked.
[[nodiscard]] bool looks_like_date(std::string_view text) noexcept;

/// The moment of a date: local without a letter, else by the letter (Z is UTC, A to M without J are
/// east by 1 to 12 hours, N to Y west); nothing when it is none.
[[nodiscard]] std::optional<wall_time> parse_date(std::string_view text);

} // namespace tandem::sip2

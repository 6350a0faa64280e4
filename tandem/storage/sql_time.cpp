// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_time.hpp>

#include <tandem/base/text.hpp>

#include <cstddef>
#include <fmt/format.h>

namespace tandem::storage {

namespace {

using std::chrono::sys_days;

/// Further away than any phone asks for; a clock of 64 bits of nanoseconds ends in 2262.
constexpr auto longest = std::chrono::years{100};

/// So many digits at a place; -1 when there is something else.
int number_at(std::string_view text, std::size_t place, std::size_t digits) {
  int made = 0;
  for (std::size_t i = place; i < place + digits; ++i) {
    if (!is_digit(text[i])) return -1;
    made = made * 10 + (text[i] - '0');
  }
  return made;
}

} // namespace

std::string to_sql_time(sql_clock::time_point when) {
  const auto whole = std::chrono::floor<seconds>(when);
  const auto day = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{whole - day};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<sql_clock::time_point> parse_sql_time(std::string_view text) {
  constexpr std::string_view form = "0000-00-00 00:00:00";
  if (text.size() < form.size() || text[4] != '-' || text[7] != '-' || text[13] != ':' ||
      text[16] != ':')
    return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year{number_at(text, 0, 4)},
      std::chrono::month{static_cast<unsigned>(number_at(text, 5, 2))},
      std::chrono::day{static_cast<unsigned>(number_at(text, 8, 2))}};
  const int hour = number_at(text, 11, 2), minute = number_at(text, 14, 2),
            second = number_at(text, 17, 2);
  // The clock counts no further than 2262.
  if (!date.ok() || date.year() < std::chrono::year{1} || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60)
    return std::nullopt;
  const auto day = std::min(sys_days{date}, sys_days{std::chrono::year{2200} / 1 / 1});
  return sql_clock::time_point{std::max(day, sys_days{std::chrono::year{1970} / 1 / 1})} +
         std::chrono::hours{hour} + std::chrono::minutes{minute} + seconds{second};
}

std::string clock_pair::to_sql(instant when) const {
  if (when == instant::max()) return std::string{sql_never};
  return to_sql_time(wall + std::chrono::duration_cast<sql_clock::duration>(when - steady));
}

std::optional<instant> clock_pair::from_sql(std::string_view text) const {
  const auto when = parse_sql_time(text);
  if (!when) return std::nullopt;
  if (*when - wall > longest) return instant::max();
  return steady + (*when - wall);
}

} // namespace tandem::storage

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/date.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr std::size_t width = 18;

int number(std::string_view digits) noexcept {
  return static_cast<int>(parse_number<unsigned>(digits).value_or(0));
}

/// Hours east of UTC of a military zone letter; nothing for J, which is the observer's own.
std::optional<int> hours_east(char letter) noexcept {
  const char c = to_upper(letter);
  if (c == 'Z') return 0;
  if (c >= 'A' && c <= 'I') return c - 'A' + 1;
  if (c >= 'K' && c <= 'M') return c - 'K' + 10;
  if (c >= 'N' && c <= 'Y') return -(c - 'N' + 1);
  return std::nullopt;
}

} // namespace

std::string format_date(wall_time when, date_zone zone) {
  // The same second is asked for again and again, and looking into the zone's rules costs.
  struct formatted {
    std::time_t seconds = -1;
    date_zone zone = date_zone::local;
    std::string text;
  };
  thread_local formatted last;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  if (last.seconds == seconds && last.zone == zone && !last.text.empty()) return last.text;
  std::tm parts{};
  if (zone == date_zone::utc)
    gmtime_r(&seconds, &parts);
  else
    localtime_r(&seconds, &parts);
  last = {seconds, zone,
          fmt::format("{:04}{:02}{:02}{}{:02}{:02}{:02}", (parts.tm_year + 1900) % 10000,
                      parts.tm_mon + 1, parts.tm_mday, zone == date_zone::utc ? "   Z" : "    ",
                      parts.tm_hour, parts.tm_min, parts.tm_sec)};
  return last.text;
}

bool looks_like_date(std::string_view text) noexcept {
  return text.size() == width && std::ranges::all_of(text.substr(0, 8), is_digit) &&
         text.substr(8, 3) == "   " && (text[11] == ' ' || is_alpha(text[11])) &&
         std::ranges::all_of(text.substr(12), is_digit);
}

std::optional<wall_time> parse_date(std::string_view text) {
  if (!looks_like_date(text)) return std::nullopt;
  std::tm parts{};
  parts.tm_year = number(text.substr(0, 4)) - 1900;
  parts.tm_mon = number(text.substr(4, 2)) - 1;
  parts.tm_mday = number(text.substr(6, 2));
  parts.tm_hour = number(text.substr(12, 2));
  parts.tm_min = number(text.substr(14, 2));
  parts.tm_sec = number(text.substr(16, 2));
  parts.tm_isdst = -1;
  if (parts.tm_mon < 0 || parts.tm_mon > 11 || parts.tm_mday < 1 || parts.tm_mday > 31 ||
      parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 60)
    return std::nullopt;
  if (text[11] == ' ') return std::chrono::system_clock::from_time_t(mktime(&parts));
  const auto east = hours_east(text[11]);
  if (!east) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts)) - std::chrono::hours{*east};
}

} // namespace tandem::sip2

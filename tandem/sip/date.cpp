// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/date.hpp>
#include <tandem/sip/number.hpp>

#include <algorithm>
#include <limits>

namespace tandem::sip {

namespace {

using namespace std::string_view_literals;

constexpr std::array weekdays{"Sun"sv, "Mon"sv, "Tue"sv, "Wed"sv, "Thu"sv, "Fri"sv, "Sat"sv};
constexpr std::array months{"Jan"sv, "Feb"sv, "Mar"sv, "Apr"sv, "May"sv, "Jun"sv,
                            "Jul"sv, "Aug"sv, "Sep"sv, "Oct"sv, "Nov"sv, "Dec"sv};

/// Which of the names stands here, from 1; 0 for none.
template <std::size_t N>
unsigned take_name(cursor& at, const std::array<std::string_view, N>& names) noexcept {
  const auto found = std::ranges::find_if(names, [&at](std::string_view name) {
    return iequals(at.rest().substr(0, name.size()), name);
  });
  if (found == names.end()) return 0;
  at.skip(found->size());
  return static_cast<unsigned>(found - names.begin()) + 1;
}

/// Exactly `count` digits; nothing when there are fewer.
std::optional<unsigned> take_digits(cursor& at, std::size_t count) noexcept {
  const std::string_view digits = at.rest().substr(0, count);
  if (digits.size() != count || !is_all(char_class::digit, digits)) return std::nullopt;
  at.skip(count);
  return parse_number<unsigned>(digits);
}

} // namespace

// rfc1123-date = wkday "," SP 2DIGIT SP month SP 4DIGIT SP 2DIGIT ":" 2DIGIT ":" 2DIGIT SP "GMT"
result<date, parse_error> date::read(cursor& at) noexcept {
  const auto bad = [&at] { return at.failure(parse_errc::bad_date); };
  const unsigned weekday = take_name(at, weekdays);
  if (weekday == 0 || !at.take(',')) return bad();
  at.skip_lws();
  const auto day = take_digits(at, 2);
  if (!day) return bad();
  at.skip_lws();
  const unsigned month = take_name(at, months);
  if (month == 0) return bad();
  at.skip_lws();
  const auto year = take_digits(at, 4);
  if (!year) return bad();
  at.skip_lws();
  const auto hour = take_digits(at, 2);
  if (!hour || *hour > 23 || !at.take(':')) return bad();
  const auto minute = take_digits(at, 2);
  if (!minute || *minute > 59 || !at.take(':')) return bad();
  const auto second = take_digits(at, 2);
  if (!second || *second > 60) return bad();
  at.skip_lws();
  if (!iequals(at.rest().substr(0, 3), "GMT")) return bad();
  // A wrong weekday is let through: the date says all.
  const std::chrono::year_month_day ymd{std::chrono::year{static_cast<int>(*year)},
                                        std::chrono::month{month}, std::chrono::day{*day}};
  if (!ymd.ok()) return bad();
  at.skip(3);
  return date{std::chrono::sys_days{ymd} + std::chrono::hours{*hour} +
              std::chrono::minutes{*minute} + std::chrono::seconds{*second}};
}

result<date, parse_error> date::parse(std::string_view text) noexcept {
  return parse_whole<date>(text);
}

void date::write(sink& out) const noexcept {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day ymd{day};
  const std::chrono::hh_mm_ss clock{time - day};
  out.put(weekdays[std::chrono::weekday{day}.c_encoding()]);
  out.put(", ");
  out.put_number(static_cast<unsigned>(ymd.day()), 2);
  out.put(' ');
  out.put(months[static_cast<unsigned>(ymd.month()) - 1]);
  out.put(' ');
  out.put_number(static_cast<std::uint64_t>(std::max(static_cast<int>(ymd.year()), 0)), 4);
  out.put(' ');
  out.put_number(static_cast<std::uint64_t>(clock.hours().count()), 2);
  out.put(':');
  out.put_number(static_cast<std::uint64_t>(clock.minutes().count()), 2);
  out.put(':');
  out.put_number(static_cast<std::uint64_t>(clock.seconds().count()), 2);
  out.put(" GMT");
}

namespace {

// 1*(DIGIT) [ "." *(DIGIT) ]; a delay may lack the digits before its point
std::string_view take_decimal(cursor& at) noexcept {
  const std::size_t from = at.offset();
  const bool has_whole = !at.take_while(char_class::digit).empty();
  const bool has_point = at.take('.');
  const bool has_fraction = has_point && !at.take_while(char_class::digit).empty();
  if (has_whole || has_fraction) return at.since(from);
  at.move_to(from);
  return {};
}

std::optional<std::chrono::microseconds> to_span(std::string_view text) noexcept {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const auto seconds =
      whole.empty() ? std::optional<std::uint64_t>{0} : parse_number<std::uint64_t>(whole);
  constexpr std::uint64_t million = 1'000'000;
  if (text.empty() || !seconds || *seconds > std::numeric_limits<std::int64_t>::max() / million - 1)
    return std::nullopt;
  std::uint64_t micros = *seconds * million;
  std::uint64_t unit = million / 10;
  for (std::size_t at = point + 1; at < text.size() && unit != 0; ++at, unit /= 10)
    micros += static_cast<std::uint64_t>(text[at] - '0') * unit;
  return std::chrono::microseconds{micros};
}

} // namespace

result<timestamp, parse_error> timestamp::read(cursor& at) noexcept {
  timestamp value;
  value.time = take_decimal(at);
  if (value.time.empty()) return at.failure(parse_errc::expected_number);
  const std::size_t end = at.offset();
  at.skip_lws();
  if (at.offset() != end) value.delay = take_decimal(at);
  if (value.delay.empty()) at.move_to(end);
  return value;
}

result<timestamp, parse_error> timestamp::parse(std::string_view text) noexcept {
  return parse_whole<timestamp>(text);
}

void timestamp::write(sink& out) const noexcept {
  out.put(time);
  if (delay.empty()) return;
  out.put(' ');
  out.put(delay);
}

std::optional<std::chrono::microseconds> timestamp::time_span() const noexcept {
  return to_span(time);
}
std::optional<std::chrono::microseconds> timestamp::delay_span() const noexcept {
  return to_span(delay);
}

result<retry_after, parse_error> retry_after::read(cursor& at) noexcept {
  retry_after value;
  const auto seconds = read_number(at, 0xffff'ffff);
  if (!seconds) return tl::unexpected<parse_error>(seconds.error());
  value.seconds = *seconds;
  const std::size_t end = at.offset();
  at.skip_lws();
  if (at.peek() == '(') {
    const auto comment = at.take_comment();
    if (!comment) return tl::unexpected<parse_error>(comment.error());
    value.comment = *comment;
  } else {
    at.move_to(end);
  }
  const auto parameters = sip::params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  value.params = *parameters;
  return value;
}

result<retry_after, parse_error> retry_after::parse(std::string_view text) noexcept {
  return parse_whole<retry_after>(text);
}

void retry_after::write(sink& out) const noexcept {
  out.put_number(seconds);
  if (!comment.empty()) {
    out.put(" (");
    out.put(comment);
    out.put(')');
  }
  params.write(out);
}

} // namespace tandem::sip

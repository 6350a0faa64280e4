// SPDX-License-Identifier: Apache-2.0
// Text of the wire: ASCII only, never the locale's. Pure functions, any thread.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

/// ASCII letter in lower case; every other byte as it is.
[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// ASCII letter in upper case; every other byte as it is.
[[nodiscard]] constexpr char to_upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_alpha(char c) noexcept {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}
[[nodiscard]] constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_alpha(c); }
[[nodiscard]] constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

/// Value of a hexadecimal digit, -1 for any other byte.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char l = to_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// Equal but for the case of ASCII letters.
[[nodiscard]] constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

/// A copy in lower case.
[[nodiscard]] std::string to_lower_copy(std::string_view text);

/// The view without blanks, tabs, CR and LF at its ends (so that a folded line trims too).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  constexpr auto is_space = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// The whole of `text` as an unsigned decimal number: digits only, no sign, no blanks; nothing when
/// it is empty, has any other byte, or does not fit in T.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> parse_number(std::string_view text,
                                                      int base = 10) noexcept {
  T value{};
  const auto [end, errc] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (errc != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The same with a minus before the digits, where there is one; "-0" is 0.
template <std::signed_integral T>
[[nodiscard]] constexpr std::optional<T> parse_signed_number(std::string_view text) noexcept {
  T value{};
  const auto [end, errc] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (errc != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The nearest of `names` to a mistyped `name`, for "did you mean"; empty when none is near. It may
/// differ by one edit in two or three letters, two in up to eight, three in more.
template <typename Range>
[[nodiscard]] std::string_view nearest_name(std::string_view name, const Range& names);

/// Number of single-letter edits between two names, case ignored.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

template <typename Range>
std::string_view nearest_name(std::string_view name, const Range& names) {
  // A transposition counts as two edits, so a name of four letters may differ by two.
  const std::size_t most = name.size() < 2   ? 0 // each letter is one edit from each other
                           : name.size() < 4 ? 1
                           : name.size() < 9 ? 2
                                             : 3;
  std::string_view best;
  std::size_t distance = most + 1;
  for (const auto& candidate : names) {
    const std::size_t d = edit_distance(name, candidate);
    if (d < distance) {
      distance = d;
      best = candidate;
    }
  }
  return best;
}

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/checksum.hpp>

#include <tandem/base/text.hpp>

namespace tandem::sip2 {
namespace {

/// The checksum over code points: what clients get that sum the characters of their strings.
std::uint16_t checksum_of_characters(std::string_view utf8) noexcept {
  std::uint32_t sum = 0;
  std::uint32_t point = 0;
  for (const char c : utf8) {
    const auto b = static_cast<unsigned char>(c);
    if ((b & 0xc0) == 0x80) {
      point = (point << 6) | (b & 0x3fU);
      continue;
    }
    sum += point;
    point = b < 0x80 ? b : b < 0xe0 ? b & 0x1fU : b < 0xf0 ? b & 0x0fU : b & 0x07U;
  }
  return static_cast<std::uint16_t>(0U - (sum + point));
}

} // namespace

std::optional<error_tail> find_tail(std::string_view line, char delimiter,
                                    std::size_t least) noexcept {
  auto end = line.size();
  while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == delimiter)) --end;
  auto digits = end;
  while (digits > 0 && end - digits < 6 && hex_value(line[digits - 1]) >= 0) --digits;
  const auto count = end - digits;
  if (count == 0 || count > 5 || digits < 4 || line.substr(digits - 2, 2) != "AZ")
    return std::nullopt;

  error_tail tail;
  tail.covered = digits;
  tail.digits = line.substr(digits, count);
  for (const char c : tail.digits)
    tail.value = tail.value * 16 + static_cast<std::uint32_t>(hex_value(c));
  tail.begin = digits - 2;
  auto sequence = tail.begin;
  while (sequence > 0 && tail.begin - sequence < 2 && is_digit(line[sequence - 1])) --sequence;
  if (sequence >= 4 && line.substr(sequence - 2, 2) == "AY") {
    tail.sequence = line.substr(sequence, tail.begin - sequence);
    tail.begin = sequence - 2;
  }
  const bool is_in_place = tail.begin <= least || line[tail.begin - 1] == delimiter;
  if (!is_in_place && !is_right(tail, line)) return std::nullopt; // the end of a field's text
  return tail;
}

bool is_right(const error_tail& tail, std::string_view line) noexcept {
  const auto covered = line.substr(0, tail.covered);
  const auto sum = checksum(covered);
  if (tail.value == sum || (tail.value == 0x10000 && sum == 0)) return true;
  return tail.value == checksum_of_characters(covered);
}

void append_tail(std::string& line, std::string_view sequence) {
  if (!sequence.empty()) {
    line += "AY";
    line += sequence;
  }
  line += "AZ";
  const auto sum = checksum(line);
  constexpr std::string_view hex = "0123456789ABCDEF";
  for (int shift = 12; shift >= 0; shift -= 4) line += hex[(sum >> shift) & 15U];
}

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
// Error detection of SIP2: the tail `AY<digit>AZ<checksum>` over the bytes on the wire, with the
// deviations met in the field. Pure functions, any thread; views point into the caller's bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// The checksum of what stands before its digits, "AZ" included: two's complement of the sum.
[[nodiscard]] constexpr std::uint16_t checksum(std::string_view bytes) noexcept {
  std::uint32_t sum = 0;
  for (const char c : bytes) sum += static_cast<unsigned char>(c);
  return static_cast<std::uint16_t>(0U - sum);
}

/// The tail of a message.
struct error_tail {
  std::size_t begin = 0;     ///< where it begins in the line
  std::size_t covered = 0;   ///< bytes that the checksum covers: up to and with "AZ"
  std::string_view sequence; ///< the digits of AY, empty when there is no AY
  std::string_view digits;   ///< of AZ as received
  std::uint32_t value = 0;   ///< of AZ
};

/// Finds the tail. Accepts an AY of none to two digits or no AY, one to five hexadecimal digits in
/// either case, blanks or a delimiter after them.
/// \param line the message without terminator, from its code on.
/// \param least where fields with ids may begin at the earliest: the tail needs a delimiter before
/// it when it begins after that, or a checksum that is right.
[[nodiscard]] std::optional<error_tail> find_tail(std::string_view line, char delimiter,
                                                  std::size_t least) noexcept;

/// The checksum is that of the line. Accepts 10000 for a sum of 0, and sums over the code points of
/// UTF-8 text in place of its bytes, as several clients compute them.
[[nodiscard]] bool is_right(const error_tail& tail, std::string_view line) noexcept;

/// Appends "AY<sequence>" when it is not empty, then "AZ" and four digits over all of `line`.
void append_tail(std::string& line, std::string_view sequence);

} // namespace tandem::sip2

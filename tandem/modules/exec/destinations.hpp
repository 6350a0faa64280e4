// SPDX-License-Identifier: Apache-2.0
// What a program that exec_dset() runs has to say: a URI a line. Pure, any thread.
#pragma once

#include <tandem/base/result.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace tandem::modules {

/// Why the output of a program is no list of destinations.
enum class output_errc : std::uint8_t {
  empty,    ///< no URI
  too_long, ///< a line of more than longest_line bytes
  no_uri,   ///< a line that is not a URI
  too_many, ///< more URIs than there may be destinations
};

[[nodiscard]] std::string_view to_string(output_errc errc) noexcept;

/// Of a line, without its line break.
inline constexpr std::size_t longest_destination_line = 1023;

/// The lines without CR, LF and blanks at their end, empty ones left out: views into the output.
/// \param most at least one
[[nodiscard]] result<std::vector<std::string_view>, output_errc>
read_destinations(std::string_view output, std::size_t most);

} // namespace tandem::modules

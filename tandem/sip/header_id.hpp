// SPDX-License-Identifier: Apache-2.0
// The header fields known by name, from headers.def: their ids, names, compact forms and shapes.
// Names are compared without regard to case (RFC 3261 7.3.1). Pure functions, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::sip {

enum class header_id : std::uint8_t {
  unknown, ///< not in headers.def: the message keeps its name
#define TANDEM_HEADER(id, name, compact, shape, value, source) id,
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
};

/// Number of enumerators, for tables indexed by header_id.
inline constexpr std::size_t header_count = 0
#define TANDEM_HEADER(id, name, compact, shape, value, source) +1
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
                                            + 1;

/// How the values of a header stand in its lines.
enum class header_shape : std::uint8_t {
  single, ///< one value; a second line of the name is an error
  list,   ///< values separated by commas, in one line or in several
  lines,  ///< one value a line, its commas are its own; several lines allowed
};

struct header_info {
  std::string_view name; ///< as the RFC writes it
  char compact;          ///< the compact form (RFC 3261 7.3.3), 0 for none
  header_shape shape;
  std::string_view value;  ///< name of the type that holds its value
  std::string_view source; ///< the RFC and its section
};

namespace detail {
inline constexpr std::array<header_info, header_count> header_infos{{
    {"", 0, header_shape::lines, "text_value", ""},
#define TANDEM_HEADER(id, name, compact, shape, value, source)                                     \
  {name, compact, header_shape::shape, #value, source},
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
}};
} // namespace detail

/// What headers.def says of a header; for header_id::unknown an empty name and shape lines.
[[nodiscard]] constexpr const header_info& info(header_id id) noexcept {
  return detail::header_infos[static_cast<std::size_t>(id)];
}

/// The header called `name` (long or compact, any case), header_id::unknown for any other text.
[[nodiscard]] header_id find_header(std::string_view name) noexcept;

/// The name as the RFC writes it; empty for unknown.
[[nodiscard]] constexpr std::string_view to_string(header_id id) noexcept { return info(id).name; }

} // namespace tandem::sip

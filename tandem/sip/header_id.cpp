// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/header_id.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/header_table.hpp>

namespace tandem::sip {

header_id find_header(std::string_view name) noexcept {
  // What the look-up is promised: no colon but behind the name.
  if (name.empty() || name.find(':') != std::string_view::npos) return header_id::unknown;
  if (name.size() >= byte_block::size)
    return detail::find_header_in_line(name, byte_block{name.data()});
  std::array<char, byte_block::size> line{};
  std::memcpy(line.data(), name.data(), name.size());
  line[name.size()] = ':';
  return detail::find_header_in_line({line.data(), name.size()}, byte_block{line.data()});
}

} // namespace tandem::sip

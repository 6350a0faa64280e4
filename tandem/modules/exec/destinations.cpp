// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/destinations.hpp>

#include <tandem/base/split.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>

namespace tandem::modules {

std::string_view to_string(output_errc errc) noexcept {
  switch (errc) {
  case output_errc::empty: return "no URI";
  case output_errc::too_long: return "a line that is too long";
  case output_errc::no_uri: return "a line that is not a URI";
  case output_errc::too_many: break;
  }
  return "more URIs than there may be branches";
}

result<std::vector<std::string_view>, output_errc> read_destinations(std::string_view output,
                                                                     std::size_t most) {
  std::vector<std::string_view> all;
  for (std::string_view line : split(output, '\n')) {
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (line.empty()) continue;
    if (line.size() > longest_destination_line) return fail(output_errc::too_long);
    if (!sip::uri::parse(line)) return fail(output_errc::no_uri);
    if (all.size() == most) return fail(output_errc::too_many);
    all.push_back(line);
  }
  if (all.empty()) return fail(output_errc::empty);
  return all;
}

} // namespace tandem::modules

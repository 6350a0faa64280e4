// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/source_network.hpp>

#include <algorithm>

namespace tandem {

ip_address source_network(const ip_address& source) noexcept {
  if (!source.is_v6()) return source;
  auto bytes = source.bytes();
  const auto mapped = ip_address::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
  if (source.is_in(mapped, 96)) return ip_address::v4(bytes[12], bytes[13], bytes[14], bytes[15]);
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return ip_address::v6(bytes);
}

} // namespace tandem

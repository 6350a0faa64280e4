// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/source_limits.hpp>

#include <tandem/base/source_network.hpp>

namespace tandem::transport {

bool source_limits::admit(const ip_address& source, instant now) {
  if (rate_ == 0) return true;
  const double a_second = rate_;
  return sources_.take(source_network(source), 1, {.a_second = a_second, .full = a_second}, now);
}

} // namespace tandem::transport

// SPDX-License-Identifier: Apache-2.0
// By what sources are counted wherever each may have only so much. Any thread.
#pragma once

#include <tandem/base/ip_address.hpp>

namespace tandem {

/// What one subscriber owns: the address itself for IPv4, also where IPv6 maps it; the /64 of an
/// IPv6 address, of which a host takes as many as it likes (RFC 4291 2.5.4, RFC 8981).
[[nodiscard]] ip_address source_network(const ip_address& source) noexcept;

} // namespace tandem

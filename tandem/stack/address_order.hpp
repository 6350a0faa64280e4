// SPDX-License-Identifier: Apache-2.0
// In which order the addresses of one name are tried where both families are there (RFC 7984 4.1,
// RFC 6724 6). A pure function, any thread.
#pragma once

#include <tandem/base/ip_address.hpp>

#include <span>

namespace tandem::stack {

/// By the precedence of RFC 6724 (rule 6): IPv6 before IPv4, and behind both what leads through
/// tunnels or is for one site. What is equal stays as the name server has it (rule 10), so that its
/// rotation spreads the load. That an address has no listener of ours (rule 1) is known to the
/// outbox: reachable() skips it. Deviates: sources are not compared (rules 2 to 5, 7 to 9); the
/// kernel chooses them later, and an address without a route fails at once.
void order_addresses(std::span<ip_address> all) noexcept;

} // namespace tandem::stack

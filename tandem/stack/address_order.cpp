// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/address_order.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace tandem::stack {

namespace {

struct policy {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
  int precedence;
};

/// RFC 6724 2.1, the longest prefix first.
constexpr std::array<policy, 8> policies{{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50}, // ::1
    {{}, 96, 1},                                                 // ::/96, IPv4-compatible
    {{0x20, 0x01}, 32, 5},                                       // Teredo
    {{0x20, 0x02}, 16, 30},                                      // 6to4
    {{0x3f, 0xfe}, 16, 1},                                       // 6bone
    {{0xfe, 0xc0}, 10, 1},                                       // site-local
    {{0xfc}, 7, 3},                                              // ULA
    {{}, 0, 40},                                                 // ::/0
}};
constexpr int precedence_of_v4 = 35; // ::ffff:0:0/96

int precedence(const ip_address& ip) noexcept {
  if (ip.is_v4()) return precedence_of_v4;
  for (const policy& p : policies)
    if (ip.is_in(ip_address::v6(p.prefix), p.bits)) return p.precedence;
  return 0;
}

} // namespace

void order_addresses(std::span<ip_address> all) noexcept {
  // There are few, and sorting in place wants no memory.
  for (std::size_t i = 1; i < all.size(); ++i)
    for (std::size_t k = i; k > 0 && precedence(all[k]) > precedence(all[k - 1]); --k)
      std::swap(all[k], all[k - 1]);
}

} // namespace tandem::stack

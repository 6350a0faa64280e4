// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/transport_name.hpp>

#include <tandem/base/text.hpp>

#include <array>

namespace tandem::sip {
namespace {

struct names {
  std::string_view upper;
  std::string_view lower;
  std::uint16_t port;
};

constexpr std::array<names, 7> table{{{"", "", 5060},
                                      {"UDP", "udp", 5060},
                                      {"TCP", "tcp", 5060},
                                      {"TLS", "tls", 5061},
                                      {"WS", "ws", 80},
                                      {"WSS", "wss", 443},
                                      {"SCTP", "sctp", 5060}}};

const names& row(transport_name transport) { return table[static_cast<std::size_t>(transport)]; }

} // namespace

transport_name find_transport(std::string_view name) noexcept {
  for (std::size_t i = 1; i < table.size(); ++i)
    if (iequals(name, table[i].upper)) return static_cast<transport_name>(i);
  return transport_name::unknown;
}

std::string_view to_string(transport_name transport) noexcept { return row(transport).upper; }
std::string_view as_parameter(transport_name transport) noexcept { return row(transport).lower; }
std::uint16_t default_port(transport_name transport) noexcept { return row(transport).port; }

} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
// A search for servers in words, for operators. Nothing of it has control characters: hosts and
// names of services are letters, digits and dots. Any thread.
#pragma once

#include <tandem/stack/server_location.hpp>

#include <string>

namespace tandem::stack {

/// "NAPTR of example.com", "SRV of _sip._udp.example.com", "addresses of a.example.com".
[[nodiscard]] std::string to_text(const dns_question& asked);

/// "10 20 SIP+D2U _sip._udp.example.com; ...", "10 0 5060 a.example.com; ...", "192.0.2.1; ...",
/// "none", "no answer".
[[nodiscard]] std::string to_text(const server_location::answer& answer);

/// "udp 192.0.2.1:5060", with the name that a certificate must hold: "tls 192.0.2.1:5061
/// (example.com)".
[[nodiscard]] std::string to_text(const target& to);

/// Why a URI leads nowhere at all.
[[nodiscard]] std::string_view to_string(hop_errc errc) noexcept;

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// What a URI says about the hop that it leads to, before any name is looked up (RFC 3261 19.1.1,
// RFC 3263 4). Pure functions, any thread; views point into the URI.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/sip/uri.hpp>
#include <tandem/stack/target.hpp>

#include <cstdint>
#include <optional>

namespace tandem::stack {

/// Why no hop can be found in a URI.
enum class hop_errc : std::uint8_t {
  bad_scheme,    ///< neither sip nor sips: 416
  bad_transport, ///< a transport that this stack does not know, or sips over UDP
  bad_maddr,     ///< maddr is there and is not a host
  bad_port,      ///< port 0, which nothing can be sent to
};

/// Host, port and transport to ask for.
struct next_hop {
  sip::host_view host;
  ip_address ip;              ///< of a literal host; none for a name that must be looked up
  std::uint16_t port = 0;     ///< the default one where none is written
  bool has_port = false;      ///< it is written: no SRV (RFC 3263 4.2)
  bool has_transport = false; ///< it is named: no NAPTR (RFC 3263 4.1)
  transport_kind transport = transport_kind::udp;
  std::uint8_t ttl = 0; ///< of multicast

  /// The hop as a target; only where `ip` is known.
  [[nodiscard]] target to_target() const;
};

[[nodiscard]] result<next_hop, hop_errc> next_hop_of(const sip::uri& uri) noexcept;

} // namespace tandem::stack

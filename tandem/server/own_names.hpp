// SPDX-License-Identifier: Apache-2.0
// Who we are: the answer to `myself`. A host is ours when it equals a listener's address and the
// port is that listener's, or when it stands among the aliases (then with any port, or the one that
// the alias names). Filled at start-up, then read by every shard.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/sip/uri.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {

class own_names {
 public:
  /// An address we listen on.
  void add_listener(const socket_address& address);

  /// `alias=`: "example.com" (any port) or "example.com:5070". False when the text is neither.
  bool add_alias(std::string_view text);

  /// The host of a sip: or sips: URI. A port that it leaves out is that of its transport: 5061 for
  /// sips: and for TLS, 80 and 443 for WebSocket, else 5060 (RFC 3261 19.1.2).
  [[nodiscard]] bool contains(const sip::uri& uri) const noexcept;

  /// \param host as it stands in a URI: a name in any case, or an address, IPv6 in brackets or not
  /// \param port 0 when nothing names one, which means 5060
  [[nodiscard]] bool contains(std::string_view host, std::uint16_t port) const noexcept;

  /// The address, with any port, is one we listen on.
  [[nodiscard]] bool contains(const ip_address& address) const noexcept;

  [[nodiscard]] bool contains(const socket_address& address) const noexcept;

 private:
  struct alias {
    std::string host;
    std::uint16_t port; ///< 0: any
  };

  struct listener {
    socket_address address;
    std::string text; ///< of the IP address
  };

  std::vector<listener> listeners_;
  std::vector<alias> aliases_;
};

} // namespace tandem::server

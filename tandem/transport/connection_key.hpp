// SPDX-License-Identifier: Apache-2.0
// By what a connection is found again for another message. A value, any thread.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/stack/target.hpp>

#include <cstddef>
#include <functional>

namespace tandem::transport {

/// Where a connection leads. A message may take one that is there if transport, address and the
/// name that its peer has proved are those of the target (RFC 5923 5, 8.1): TCP never stands for
/// TLS at the same port, nor one name for another at the same address. A peer that connected to us
/// has proved no name: what it is sent goes by its flow.
struct connection_key {
  transport_kind transport = transport_kind::tcp;
  socket_address peer;
  stack::server_name name; ///< none for TCP, and for what was accepted

  friend bool operator==(const connection_key&, const connection_key&) noexcept = default;
};

} // namespace tandem::transport

template <>
struct std::hash<tandem::transport::connection_key> {
  std::size_t operator()(const tandem::transport::connection_key& k) const noexcept {
    // The address spreads well; the rest seldom differs.
    return std::hash<tandem::socket_address>{}(k.peer) ^
           (std::hash<std::string_view>{}(k.name.text()) * 31 +
            static_cast<std::size_t>(k.transport));
  }
};

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
/// TLS at the same port, nor one name for another at the same address. What was accepted leads to
/// the port that the peer happened to take, and goes by its flow; over TLS it may lead to where the
/// peer listens, too: see connections::note_alias().
struct connection_key {
  transport_kind transport = transport_kind::tcp;
  socket_address peer;
  stack::server_name name; ///< none for TCP

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

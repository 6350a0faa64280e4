// SPDX-License-Identifier: Apache-2.0
// Where traces are taken: every message that a shard takes in or lets out, as it is on the wire.
// Called on the thread of the shard; one tap a shard.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/stack/target.hpp>

#include <string_view>

namespace tandem::transport {

enum class direction : std::uint8_t { in, out };

/// One message on the wire.
struct tapped {
  direction way = direction::in;
  transport_kind transport = transport_kind::udp;
  socket_address local; ///< our end, as far as it is known
  socket_address peer;
  instant at;
  std::string_view bytes; ///< lives for the call
};

/// Sees the messages of one shard: those it is home of as they come in, those it sends as they go.
class tap {
 public:
  virtual void on_message(const tapped& seen) = 0;

 protected:
  ~tap() = default;
};

} // namespace tandem::transport

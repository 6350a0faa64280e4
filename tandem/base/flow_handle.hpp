// SPDX-License-Identifier: Apache-2.0
// The name of a flow: given out by the transport, kept by whoever may want to use the flow again. A
// value, any thread.
#pragma once

#include <cstdint>

namespace tandem {

/// Names a connection, or a listening datagram socket, of some shard; the default names none. A
/// binding stores one too, so it outlives what it names: a stale one is answered as "gone".
struct flow_handle {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0; ///< 0: none
  std::uint16_t shard = 0;

  [[nodiscard]] explicit operator bool() const noexcept { return generation != 0; }
  friend bool operator==(flow_handle, flow_handle) noexcept = default;
};

} // namespace tandem

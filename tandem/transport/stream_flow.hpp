// SPDX-License-Identifier: Apache-2.0
// What the flow of a connection says: its slot on its shard, and the listener that accepted it, so
// that any shard knows what address of ours its peer knows. Values.
#pragma once

#include <tandem/base/flow_handle.hpp>
#include <tandem/transport/listeners.hpp>

#include <cstdint>

namespace tandem::transport {

/// Connections of one shard at a time; a flow has no more bits for them.
inline constexpr std::uint32_t most_stream_slots = 1U << 24U;

/// \param listener listener_table::none for a connection that we opened
[[nodiscard]] constexpr flow_handle stream_flow(std::uint32_t slot, std::uint32_t generation,
                                                std::uint16_t shard,
                                                std::uint32_t listener) noexcept {
  const std::uint32_t number = listener < 0xff ? listener + 1 : 0;
  return {slot | number << 24U, generation, shard};
}

[[nodiscard]] constexpr std::uint32_t stream_slot(flow_handle flow) noexcept {
  return flow.slot & (most_stream_slots - 1);
}

/// listener_table::none for one that we opened, and of the 256th listener and those after it.
[[nodiscard]] constexpr std::uint32_t stream_listener(flow_handle flow) noexcept {
  const std::uint32_t number = flow.slot >> 24U;
  return number > 0 ? number - 1 : listener_table::none;
}

} // namespace tandem::transport

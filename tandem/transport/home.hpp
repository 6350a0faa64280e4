// SPDX-License-Identifier: Apache-2.0
// The home of a message: the shard that all messages of one Call-ID meet at, whatever socket they
// came in on. Pure functions, any thread.
#pragma once

#include <tandem/base/hash.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::transport {

/// The Call-ID of a message that was not parsed yet: the value of the first header of that name, or
/// of its compact form "i", without the blanks around it. Empty when the header is missing or the
/// bytes are no message; such a message is at home wherever it came in.
[[nodiscard]] std::string_view find_call_id(std::string_view message) noexcept;

/// The number of its shard, below `shards`.
[[nodiscard]] inline std::uint16_t home_of(const hash_key& key, std::string_view call_id,
                                           std::uint16_t shards) noexcept {
  return static_cast<std::uint16_t>(keyed_hash(key, call_id) % shards);
}

} // namespace tandem::transport

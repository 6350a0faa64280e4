// SPDX-License-Identifier: Apache-2.0
// The home of a message: the shard that all requests of one Call-ID meet at, whatever socket they
// came in on. A response goes home by the branch of our Via on top of it, which names the shard
// that sent the request: a script may have given that another Call-ID. Pure functions, any thread.
#pragma once

#include <tandem/base/hash.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::transport {

/// The Call-ID of a message that was not parsed yet: the value of the first header of that name, or
/// of its compact form "i", without the blanks around it. Empty when the header is missing or the
/// bytes are no message; such a message is at home wherever it came in.
[[nodiscard]] std::string_view find_call_id(std::string_view message) noexcept;

/// The branch of the first value of Via of a message that was not parsed yet. Empty when there is
/// none that stands as we write one.
[[nodiscard]] std::string_view find_branch(std::string_view message) noexcept;

/// The shard that a response goes home to; nothing when the message is a request, `here` when no
/// shard of ours, of which there are so many, is named in its branch: nobody waits for it.
[[nodiscard]] std::optional<std::uint16_t>
home_of_response(std::string_view message, std::uint16_t shards, std::uint16_t here) noexcept;

/// The number of the shard of a request, below `shards`.
[[nodiscard]] inline std::uint16_t home_of(const hash_key& key, std::string_view call_id,
                                           std::uint16_t shards) noexcept {
  return static_cast<std::uint16_t>(keyed_hash(key, call_id) % shards);
}

} // namespace tandem::transport

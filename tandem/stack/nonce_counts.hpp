// SPDX-License-Identifier: Apache-2.0
// Which nonce counts were used (RFC 7616 3.4: nc, 5.5: replay). Bounded: each nonce has a window of
// 64 counts, the table a fixed number of nonces. A count below the window, and a nonce that the
// table may have forgotten, count as used. Any thread: one table for all shards, or what one shard
// has seen would be new to another. A set of eight has a mutex that is held for a look at them.
#pragma once

#include <tandem/base/hash.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace tandem::stack {

class nonce_counts {
 public:
  static constexpr std::size_t in_a_set = 8;
  static constexpr unsigned window = 64; ///< counts below the highest that are told apart

  /// \param most nonces in use that are remembered, about 40 bytes each; rounded up to sets
  explicit nonce_counts(std::size_t most);

  enum class use : std::uint8_t { first, repeated };

  /// Notes a use.
  /// \param id        of the nonce, unique
  /// \param issued    when it was made, in ms
  /// \param expired   nonces issued at that moment or before are not accepted any more by anybody:
  ///                  their places are free
  /// \param count     nc, at least 1
  /// \return first exactly once for each {id, count}; repeated for all others
  [[nodiscard]] use note(std::uint64_t id, std::int64_t issued, std::int64_t expired,
                         std::uint32_t count) noexcept;

  /// Nonces that were still good and had to go for newer ones. They count as used from then on.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return sets_.size() * in_a_set; }

 private:
  struct entry {
    std::uint64_t id = 0;
    std::int64_t issued = 0;
    std::uint64_t seen = 0;    ///< bit n: the count `highest - n` was used
    std::uint32_t highest = 0; ///< 0: the place is free
  };
  struct set {
    std::mutex mutex;
    std::int64_t forgotten = -1; ///< a nonce of this set that was issued then or before had to go
    std::array<entry, in_a_set> entries;
  };

  static void forget(set& in, entry& one) noexcept;
  static use note_count(entry& of, std::uint32_t count) noexcept;

  hash_key key_ = hash_key::random();
  std::vector<set> sets_;
  std::atomic<std::uint64_t> dropped_ = 0;
};

} // namespace tandem::stack

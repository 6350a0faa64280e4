// SPDX-License-Identifier: Apache-2.0
// How many bytes of a table each source has filled. A source is what one subscriber owns
// (base/source_network.hpp). Any thread.
#pragma once

#include <tandem/base/ip_address.hpp>

#include <array>
#include <cstddef>
#include <mutex>
#include <unordered_map>

namespace tandem::storage {

class source_bytes {
 public:
  /// \param limit of one source, in bytes; 0: no bound, and nothing is counted.
  explicit source_bytes(std::size_t limit) noexcept : limit_{limit} {}

  /// Adds to what the source has filled; false, with nothing added, when that would be beyond the
  /// limit or cannot be remembered. The empty address, of an operator's contacts, has no limit.
  [[nodiscard]] bool take(const ip_address& source, std::size_t bytes) noexcept;
  /// Takes away what was added.
  void give(const ip_address& source, std::size_t bytes) noexcept;

  /// Bytes that the source has filled.
  [[nodiscard]] std::size_t of(const ip_address& source) const noexcept;

 private:
  struct share {
    mutable std::mutex mutex;
    std::unordered_map<ip_address, std::size_t> bytes;
  };

  [[nodiscard]] const share& share_of(const ip_address& source) const noexcept {
    return shares_[hash_of(source) % shares_.size()];
  }
  [[nodiscard]] share& share_of(const ip_address& source) noexcept {
    return shares_[hash_of(source) % shares_.size()];
  }

  std::size_t limit_;
  std::array<share, 16> shares_;
};

} // namespace tandem::storage

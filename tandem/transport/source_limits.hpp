// SPDX-License-Identifier: Apache-2.0
// How many requests a second each source may begin. A source is what one subscriber owns
// (base/source_network.hpp). Sans-I/O; used on the thread of its shard.
#pragma once

#include <tandem/base/token_buckets.hpp>

#include <cstddef>
#include <cstdint>

namespace tandem::transport {

/// A bucket of one second's worth for each source, in a bounded table (token_buckets).
class source_limits {
 public:
  static constexpr std::size_t most_sources = 65'536;

  /// \param rate requests a second; 0: no bound.
  /// \param bound sources that are remembered, at least one.
  explicit source_limits(std::uint32_t rate, std::size_t bound = most_sources) noexcept
      : rate_{rate}, sources_{bound} {}

  /// Another rate from the next request on; what sources have sent so far stays counted.
  void set_rate(std::uint32_t rate) noexcept { rate_ = rate; }

  /// Counts one request; false when it is one too many. Allocates for a source that is new.
  [[nodiscard]] bool admit(const ip_address& source, instant now);

  /// Sources that are remembered.
  [[nodiscard]] std::size_t size() const noexcept { return sources_.size(); }

 private:
  std::uint32_t rate_;
  token_buckets sources_;
};

} // namespace tandem::transport

// SPDX-License-Identifier: Apache-2.0
// How many requests a second each source may begin. A source is what one subscriber owns
// (base/source_network.hpp). Sans-I/O; used on the thread of its shard.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace tandem::transport {

/// A bucket of one second's worth for each source, in a bounded table. When the table is full, the
/// source that has been silent for longest makes room, so that a flood of invented sources gives
/// nobody else a full bucket. Allocates for a source that is new.
class source_limits {
 public:
  static constexpr std::size_t most_sources = 65'536;

  /// \param rate requests a second; 0: no bound.
  /// \param bound sources that are remembered, at least one.
  explicit source_limits(std::uint32_t rate, std::size_t bound = most_sources) noexcept
      : rate_{rate}, bound_{bound} {}

  /// Another rate from the next request on; what sources have sent so far stays counted.
  void set_rate(std::uint32_t rate) noexcept { rate_ = rate; }

  /// Counts one request; false when it is one too many.
  [[nodiscard]] bool admit(const ip_address& source, instant now);

  /// Sources that are remembered.
  [[nodiscard]] std::size_t size() const noexcept { return buckets_.size(); }

 private:
  struct bucket : list_hook<> {
    bucket(double full, instant now) noexcept : tokens{full}, filled{now} {}
    ip_address source;
    double tokens;
    instant filled;
  };

  bucket& bucket_of(const ip_address& source, instant now);

  std::uint32_t rate_;
  std::size_t bound_;
  std::unordered_map<ip_address, bucket> buckets_;
  intrusive_list<bucket> by_age_; ///< the one that was silent for longest first
};

} // namespace tandem::transport

// SPDX-License-Identifier: Apache-2.0
// Something that each address may have at a rate: requests, bytes. A bucket for each in a bounded
// table. Sans-I/O. One thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <unordered_map>

namespace tandem {

/// How much a bucket gives.
struct bucket_rate {
  double a_second = 0; ///< it fills again by so many tokens a second
  double full = 0;     ///< it never has more
};

/// A new address has a full bucket. When the table is full, the one that was asked for longest ago
/// makes room, so that a flood of invented addresses gives nobody else a full bucket.
class token_buckets {
 public:
  /// \param bound addresses that are remembered, at least one
  explicit token_buckets(std::size_t bound) noexcept : bound_{bound} {}

  /// What the bucket of an address has now; it counts as asked for. Allocates for one that is new:
  /// throws std::bad_alloc, and no bucket of another one was touched but that which made room.
  /// \param key as the caller tells addresses apart (base/source_network.hpp)
  [[nodiscard]] double tokens(const ip_address& key, const bucket_rate& rate, instant now) {
    return filled(key, rate, now).tokens;
  }

  /// Takes so many out of a bucket; false, and nothing was taken, when it has less. Allocates as
  /// tokens() does.
  [[nodiscard]] bool take(const ip_address& key, double wanted, const bucket_rate& rate,
                          instant now) {
    bucket& b = filled(key, rate, now);
    if (b.tokens < wanted) return false;
    b.tokens -= wanted;
    return true;
  }

  /// Addresses that are remembered.
  [[nodiscard]] std::size_t size() const noexcept { return buckets_.size(); }

 private:
  struct bucket : list_hook<> {
    bucket(double full, instant now) noexcept : tokens{full}, filled{now} {}
    ip_address key;
    double tokens;
    instant filled;
  };

  bucket& filled(const ip_address& key, const bucket_rate& rate, instant now) {
    bucket& b = bucket_of(key, rate.full, now);
    const std::chrono::duration<double> passed = now - b.filled;
    b.tokens = std::min(rate.full, b.tokens + passed.count() * rate.a_second);
    b.filled = now;
    by_age_.push_back(b);
    return b;
  }

  bucket& bucket_of(const ip_address& key, double full, instant now) {
    if (const auto found = buckets_.find(key); found != buckets_.end()) return found->second;
    if (buckets_.size() >= bound_) buckets_.erase(by_age_.front().key);
    bucket& made = buckets_.try_emplace(key, full, now).first->second;
    made.key = key;
    return made;
  }

  std::size_t bound_;
  std::unordered_map<ip_address, bucket> buckets_;
  intrusive_list<bucket> by_age_; ///< the one that was asked for longest ago first
};

} // namespace tandem

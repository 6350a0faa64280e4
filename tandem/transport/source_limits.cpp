// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/source_limits.hpp>

#include <tandem/base/source_network.hpp>

#include <algorithm>
#include <chrono>

namespace tandem::transport {

bool source_limits::admit(const ip_address& source, instant now) {
  if (rate_ == 0) return true;
  bucket& b = bucket_of(source_network(source), now);
  const double full = rate_;
  const std::chrono::duration<double> passed = now - b.filled;
  b.tokens = std::min(full, b.tokens + passed.count() * full);
  b.filled = now;
  by_age_.push_back(b);
  if (b.tokens < 1) return false;
  b.tokens -= 1;
  return true;
}

source_limits::bucket& source_limits::bucket_of(const ip_address& source, instant now) {
  if (const auto found = buckets_.find(source); found != buckets_.end()) return found->second;
  if (buckets_.size() >= bound_) buckets_.erase(by_age_.front().source);
  bucket& made = buckets_.try_emplace(source, static_cast<double>(rate_), now).first->second;
  made.source = source;
  return made;
}

} // namespace tandem::transport

// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/failed_servers.hpp>

#include <algorithm>

namespace tandem::stack {

void failed_servers::set_lifetime(duration lifetime) noexcept {
  lifetime_ = lifetime;
  if (lifetime > duration{}) return;
  for (table& t : all_) t.clear();
  size_ = 0;
}

void failed_servers::note(const target& to, instant now, duration retry_after) {
  if (lifetime_ <= duration{} || to.flow) return;
  table& known = of(to.transport);
  auto found = known.find(to.address);
  if (found == known.end()) {
    if (size_ >= bound_) {
      const entry& oldest = by_age_.front();
      of(oldest.transport).erase(oldest.address);
      --size_;
    }
    found = known.try_emplace(to.address).first;
    ++size_;
    found->second.address = to.address;
    found->second.transport = to.transport;
  }
  found->second.until = now + std::clamp(retry_after, lifetime_, longest_lifetime);
  by_age_.push_back(found->second);
}

void failed_servers::forget(const target& to) noexcept {
  if (size_ != 0) size_ -= of(to.transport).erase(to.address);
}

bool failed_servers::contains(const target& to, instant now) const noexcept {
  if (size_ == 0 || to.flow) return false;
  const table& known = all_[static_cast<std::size_t>(to.transport)];
  const auto found = known.find(to.address);
  return found != known.end() && found->second.until > now;
}

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/reflection.hpp>

namespace tandem::stack {

void answered_addresses::note(const socket_address& from, instant now) {
  auto found = all_.find(from);
  if (found == all_.end()) {
    if (all_.size() >= bound_) all_.erase(by_age_.front().address);
    found = all_.try_emplace(from).first;
    found->second.address = from;
  }
  found->second.until = now + lifetime;
  by_age_.push_back(found->second);
}

bool answered_addresses::contains(const socket_address& address, instant now) const noexcept {
  const auto found = all_.find(address);
  return found != all_.end() && found->second.until > now;
}

} // namespace tandem::stack

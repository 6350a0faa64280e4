// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/reflection.hpp>

#include <tandem/base/source_network.hpp>

namespace tandem::stack {
namespace {

/// What is flooded together: a link of 256 IPv4 addresses, or an IPv6 /64.
ip_address target_network(const ip_address& to) noexcept {
  const ip_address network = source_network(to);
  if (!network.is_v4()) return network;
  const auto& bytes = network.bytes();
  return ip_address::v4(bytes[0], bytes[1], bytes[2], 0);
}

} // namespace

bool reflection_loans::take(std::size_t bytes, const ip_address& source, const ip_address& to,
                            instant now) {
  constexpr bucket_rate rate{.a_second = a_second, .full = at_a_time};
  const auto wanted = static_cast<double>(bytes);
  if (sources_.tokens(source, rate, now) < wanted) return false;
  return targets_.take(target_network(to), wanted, rate, now) &&
         sources_.take(source, wanted, rate, now);
}

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

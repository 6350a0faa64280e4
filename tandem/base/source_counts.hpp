// SPDX-License-Identifier: Apache-2.0
// How many of something, connections mostly, each source has now, for whoever gives each a share.
// Sources are told apart as source_network() does. One thread.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/base/source_network.hpp>

#include <cstddef>
#include <unordered_map>

namespace tandem {

class source_counts {
 public:
  void add(const ip_address& source) { ++counts_[source_network(source)]; }

  /// Takes back one that was added.
  void remove(const ip_address& source) noexcept {
    const auto found = counts_.find(source_network(source));
    if (found != counts_.end() && --found->second == 0) counts_.erase(found);
  }

  [[nodiscard]] std::size_t of(const ip_address& source) const noexcept {
    const auto found = counts_.find(source_network(source));
    return found == counts_.end() ? 0 : found->second;
  }

  /// Sources that have any: what is kept grows with them alone.
  [[nodiscard]] std::size_t sources() const noexcept { return counts_.size(); }

 private:
  std::unordered_map<ip_address, std::size_t> counts_;
};

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/refreshed_targets.hpp>

#include <algorithm>

namespace tandem::stack {

void refreshed_targets::note(std::uint64_t party, std::uint64_t place) {
  if (all_.empty()) all_.resize(most);
  const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(party % (most / ways) * ways);
  const auto end = begin + ways;
  auto at = std::find_if(begin, end, [party](const entry& e) { return e.party == party; });
  if (at == end) --at; // the one that was noted longest ago
  std::rotate(begin, at, at + 1);
  *begin = {party, place};
}

bool refreshed_targets::is_at(std::uint64_t party, std::uint64_t place) const noexcept {
  if (all_.empty()) return false;
  const auto begin = all_.begin() + static_cast<std::ptrdiff_t>(party % (most / ways) * ways);
  return std::any_of(begin, begin + ways,
                     [&](const entry& e) { return e.party == party && e.place == place; });
}

} // namespace tandem::stack

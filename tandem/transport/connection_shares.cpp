// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connection_shares.hpp>

#include <tandem/base/source_network.hpp>

#include <algorithm>

namespace tandem::transport {

void connection_shares::enter(place& at, const ip_address& from, instant now) {
  const ip_address network = source_network(from);
  const auto found = sources_.find(network);
  const std::size_t count = found == sources_.end() ? 0 : found->second.count;
  // A list cannot be moved; there is one more than anybody has.
  if (by_count_.size() < count + 2) {
    std::vector<intrusive_list<source, source_tag>> longer(2 * (count + 2));
    for (std::size_t i = 0; i < by_count_.size(); ++i) longer[i].splice_back(by_count_[i]);
    by_count_.swap(longer);
  }
  source& of = found != sources_.end()
                   ? found->second
                   : sources_.try_emplace(network, *this, network).first->second;
  by_count_[++of.count].push_back(of);
  most_ = std::max(most_, of.count);
  at.of_ = &of;
  use(at, now);
}

void connection_shares::leave(place& at) noexcept {
  source& of = *at.of_;
  at.of_ = nullptr;
  at.unlink();
  if (--of.count == 0)
    sources_.erase(of.network);
  else
    by_count_[of.count].push_back(of);
  while (most_ > 0 && by_count_[most_].empty()) --most_;
}

void connection_shares::use(place& at, instant now) noexcept {
  at.used_ = now;
  at.of_->by_use.push_back(at);
}

void connection_shares::bind(place& at, instant until) noexcept {
  at.bound_until_ = std::max(at.bound_until_, until);
}

std::size_t connection_shares::of(const ip_address& from) const noexcept {
  const auto found = sources_.find(source_network(from));
  return found == sources_.end() ? 0 : found->second.count;
}

connection_shares::place* connection_shares::to_give_up(const ip_address& wanting, instant now,
                                                        std::size_t hog) noexcept {
  // Two sources would else take the same connection from each other for ever.
  if (most_ == 0 || of(wanting) + 1 >= most_) return nullptr;
  place* bound = nullptr;
  place* busy = nullptr;
  place* idle = nullptr;
  const auto note = [](place*& first, place& found) {
    if (!first) first = &found;
  };
  auto& all = by_count_[most_].front().by_use;
  intrusive_list<place> seen;
  while (place* const p = all.pop_front()) {
    seen.push_back(*p);
    if (p->used_ == now) continue;
    if (p->bound_until_ > now)
      note(bound, *p);
    else if (now - p->used_ < longest_silence)
      note(busy, *p);
    else
      note(idle, *p);
  }
  all.splice_back(seen); // in their order
  if (idle || busy) return idle ? idle : busy;
  return most_ >= hog ? bound : nullptr;
}

} // namespace tandem::transport

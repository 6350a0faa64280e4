// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/kept_bytes.hpp>

#include <tandem/base/source_network.hpp>

namespace tandem::stack {

kept_source& kept_bytes::of(const ip_address& source) {
  const ip_address network = source ? source_network(source) : ip_address{};
  if (const auto found = sources_.find(network); found != sources_.end()) return found->second;
  if (sources_.size() >= most_idle && !idle_.empty()) sources_.erase(idle_.front().network_);
  kept_source& made = sources_.try_emplace(network, *this, network).first->second;
  idle_.push_back(made);
  return made;
}

void kept_charge::name(kept_source* source) noexcept {
  set(0);
  if (source && source->holders_++ == 0) source->unlink();
  if (source_ && --source_->holders_ == 0) source_->table_.idle_.push_back(*source_);
  source_ = source;
}

void kept_charge::set(std::size_t bytes) noexcept {
  if (!source_) return;
  source_->bytes_ += bytes - bytes_;
  source_->table_.in_all_ += bytes - bytes_;
  bytes_ = bytes;
}

bool kept_charge::try_set(std::size_t bytes) noexcept {
  if (source_ && bytes > bytes_ &&
      !source_->table_.has_room(*source_, bytes - bytes_, keep_for::the_rest))
    return false;
  set(bytes);
  return true;
}

} // namespace tandem::stack

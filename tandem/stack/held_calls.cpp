// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/held_calls.hpp>

#include <tandem/stack/via_rules.hpp>

#include <algorithm>

namespace tandem::stack {

held_request::held_request(sip::message& held, const arrival& arrived) : from{arrived} {
  // As it came, so that a program which runs for it later sees it so; its Via is completed again.
  auto copy = sip::message::parse(held.received_bytes());
  if (copy) stamp_top_via(*copy, arrived.source);
  request = copy ? std::move(*copy) : std::move(held);
}

void held_calls::hold(std::uint64_t call) {
  auto found = calls_.find(call);
  if (found == calls_.end()) found = calls_.emplace(call, std::make_unique<held_call>()).first;
  ++found->second->programs;
}

void held_calls::let_go(std::uint64_t call) noexcept {
  if (const auto found = calls_.find(call); found != calls_.end()) --found->second->programs;
}

hold_verdict held_calls::wait(std::uint64_t call, sip::message& request, const arrival& from,
                              kept_bytes& kept) {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return hold_verdict::free;
  auto& requests = found->second->requests;
  const bool is_copy = std::any_of(requests.begin(), requests.end(), [&](const held_request& r) {
    return r.from.keys.own == from.keys.own;
  });
  if (is_copy) return hold_verdict::copy;
  if (requests.size() >= most_) return hold_verdict::too_many;
  kept_charge charge;
  charge.name(&kept.of(from.source.ip));
  if (!charge.try_set(request.received_bytes().size())) return hold_verdict::out_of_bytes;
  requests.emplace_back(request, from).charge = std::move(charge);
  return hold_verdict::waits;
}

std::optional<held_request> held_calls::next(std::uint64_t call) {
  const auto found = calls_.find(call);
  if (found == calls_.end() || found->second->programs != 0) return std::nullopt;
  auto& requests = found->second->requests;
  if (requests.empty()) {
    calls_.erase(found);
    return std::nullopt;
  }
  std::optional<held_request> first{std::move(requests.front())};
  requests.pop_front();
  return first;
}

} // namespace tandem::stack

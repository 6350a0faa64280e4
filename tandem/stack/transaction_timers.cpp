// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/transaction_timers.hpp>

#include <algorithm>

namespace tandem::stack {

using a = transaction_action;

namespace {

/// Until what memory was not there for is tried again.
constexpr duration without_memory = milliseconds{100};

} // namespace

void transaction_timers::begin_sending(transaction& t, duration end) noexcept {
  t.expire_at_ = out_.now() + end;
  if (!t.is_reliable_) {
    t.interval_ms_ = static_cast<std::uint32_t>(settings_.t1 / milliseconds{1});
    t.retransmit_at_ = out_.now() + settings_.t1;
  }
  arm(t);
}

void transaction_timers::start(transaction& t, duration after) noexcept {
  t.retransmit_at_ = transaction::never;
  end_after(t, after);
}

void transaction_timers::end_after(transaction& t, duration after) noexcept {
  t.expire_at_ = out_.now() + after;
  arm(t);
}

void transaction_timers::stop(transaction& t) noexcept {
  t.retransmit_at_ = t.expire_at_ = transaction::never;
  t.cancel();
}

void transaction_timers::arm(transaction& t) noexcept {
  const instant due = std::min(t.retransmit_at_, t.expire_at_);
  if (due == transaction::never)
    t.cancel();
  else
    out_.timers().arm(t, due);
}

std::optional<transaction_event> transaction_timers::take_due(transaction& t,
                                                              instant now) noexcept {
  if (!out_.to_tell().has_room()) {
    out_.timers().arm(t, now + without_memory);
    return std::nullopt;
  }
  if (t.expire_at_ <= now) {
    t.expire_at_ = transaction::never;
    return expiry_of(t.kind_, t.state_);
  }
  if (t.retransmit_at_ <= now) {
    t.retransmit_at_ = transaction::never;
    return retransmission_of(t.kind_);
  }
  arm(t);
  return std::nullopt;
}

void transaction_timers::follow(transaction& t, action_set<transaction_action> actions) noexcept {
  const instant now = out_.now();
  const auto repeat_after = [&](duration interval) {
    t.interval_ms_ = static_cast<std::uint32_t>(interval / milliseconds{1});
    t.retransmit_at_ = now + interval;
  };
  const auto start = [&](duration after) {
    t.retransmit_at_ = transaction::never;
    t.expire_at_ = now + after;
  };
  const duration interval = milliseconds{t.interval_ms_};
  // Over a reliable transport D, I, J and K are zero (RFC 3261 table 4): forgotten at once.
  const auto unless_reliable = [&](duration after) { return t.is_reliable_ ? duration{} : after; };
  if (actions.has(a::double_interval)) repeat_after(2 * interval);
  if (actions.has(a::cap_interval)) repeat_after(std::min(2 * interval, settings_.t2));
  if (actions.has(a::slow_interval)) repeat_after(settings_.t2);
  if (actions.has(a::stop_timers)) t.retransmit_at_ = t.expire_at_ = transaction::never;
  if (actions.has(a::start_c)) start(settings_.timer_c);
  if (actions.has(a::start_d)) start(unless_reliable(settings_.timer_d));
  if (actions.has(a::start_i)) start(unless_reliable(settings_.t4));
  if (actions.has(a::start_j)) start(unless_reliable(settings_.timer_j));
  if (actions.has(a::start_k)) start(unless_reliable(settings_.t4));
  if (actions.has(a::start_l)) start(settings_.timer_l);
  if (actions.has(a::start_m)) start(settings_.timer_m);
  if (actions.has(a::start_g_h)) {
    start(settings_.timer_h);
    if (!t.is_reliable_) repeat_after(settings_.t1);
  }
  arm(t);
}

} // namespace tandem::stack

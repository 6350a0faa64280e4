// SPDX-License-Identifier: Apache-2.0
// What both sides share: timers, matching of what comes in, errors of the transport.
#include <tandem/stack/transaction_layer.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/stack/suspension.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>

namespace tandem::stack {

using a = transaction_action;
using e = transaction_event;

void transaction::on_timer(instant now) { layer_.on_timer(*this, now); }

transaction_layer::transaction_layer(outbox& out, const timer_settings& timers,
                                     const transaction_limits& limits)
    : out_{out}, timers_{timers}, limits_{limits}, secret_{hash_key::random()},
      lingering_(limits.lingering) {}

transaction_layer::~transaction_layer() = default;

bool transaction_layer::is_full() {
  if (size() < limits_.transactions) return false;
  ++counters_.refused;
  return true;
}

std::optional<request_keys> transaction_layer::keys_of(const sip::message& request,
                                                       const arrival& from) const noexcept {
  return from.keys ? std::optional{from.keys} : keys_of_request(request, secret_);
}

bool transaction_layer::receive_request(sip::message& request, const arrival& source) {
  const auto keys = keys_of_request(request, secret_);
  if (!keys) return false;
  arrival from = source;
  from.keys = *keys;
  if (absorb(*keys, request, from)) return true;
  // An ACK never waits: nobody could answer it with 503, and no program may hold a call's ACK up.
  if (!waiting_.empty() && request.method() != sip::method::ack &&
      wait(call_key(request, secret_), keys->own, request, from))
    return true;
  core_->on_request(request, from);
  return true;
}

bool transaction_layer::absorb(const request_keys& keys, sip::message& request,
                               const arrival& from) {
  const bool is_ack = request.method() == sip::method::ack;
  const server_handle own = server_keys_.find(keys.own);
  if (server_transaction* s = servers_.find(own)) {
    ++counters_.absorbed;
    const bool ends_invite = is_ack && s->kind_ == transaction_kind::server_invite;
    run(*s, ends_invite ? e::ack : e::request, &request, &from);
    return true;
  }
  if (own) {
    absorb_ended(own, request, from);
    return true;
  }
  if (request.method() != sip::method::cancel) return false;
  const server_handle invite = server_keys_.find(keys.invite);
  if (!invite) return false;
  if (server_transaction* s = servers_.find(invite); s && s->suspension_)
    s->suspension_->hold_cancel(request, from);
  else
    core_->on_cancel(invite, request, from);
  return true;
}

void transaction_layer::absorb_ended(server_handle ended, sip::message& request,
                                     const arrival& from) {
  ++counters_.absorbed;
  switch (ended_.kind_of(ended)) {
  case ended_kind::server_accepted:
    if (request.method() == sip::method::ack) core_->on_request(request, from);
    return;
  case ended_kind::server_answered:
    if (const wire_message answer = ended_.answer_of(ended))
      if (const auto via = request.get<sip::hdr::via>()) {
        ++counters_.retransmitted;
        out_.send(response_target(*via, from), answer, {});
      }
    return;
  default: return;
  }
}

void transaction_layer::absorb_ended(client_handle ended, sip::message& response) {
  ++counters_.absorbed;
  const int status = response.status();
  if (ended_.kind_of(ended) != ended_kind::client_accepted || status < 200 || status >= 300) return;
  const auto upstream = ended_.way_of(ended);
  response.edit().pop_front(sip::header_id::via);
  if (upstream && response.has(sip::header_id::via))
    out_.send(upstream->to_target(), to_wire(response), {});
}

bool transaction_layer::receive_response(sip::message& response, const arrival& from) {
  const auto key = key_of_response(response, secret_);
  const client_handle h = key ? client_keys_.find(*key) : client_handle{};
  client_transaction* c = clients_.find(h);
  if (!c && h) {
    absorb_ended(h, response);
    return true;
  }
  if (!c) {
    if (!key && !response.key()) return false;
    ++counters_.stray_responses;
    core_->on_stray_response(response, from);
    return true;
  }
  const int status = response.status();
  c->last_status_ = static_cast<std::uint16_t>(status);
  run(*c,
      status < 200   ? e::response_1xx
      : status < 300 ? e::response_2xx
                     : e::response_failure,
      &response, &from);
  return true;
}

void transaction_layer::on_send_error(origin on_behalf_of, send_error reason) {
  ++counters_.transport_errors;
  if (on_behalf_of.of == origin::kind::client) {
    if (client_transaction* c = clients_.find({on_behalf_of.slot, on_behalf_of.generation}))
      run(*c, e::transport_error);
  } else if (on_behalf_of.of == origin::kind::server) {
    server_transaction* const s = servers_.find({on_behalf_of.slot, on_behalf_of.generation});
    if (!s) return;
    if (has_other_ways(reason))
      lose_way(*s);
    else
      run(*s, e::transport_error);
  }
}

void transaction_layer::on_datagram_refused(std::string_view quoted) {
  if (const auto key = key_of_quoted_request(quoted, secret_)) {
    if (client_transaction* c = clients_.find(client_keys_.find(*key))) {
      ++counters_.transport_errors;
      run(*c, e::transport_error);
    }
  } else if (const auto server = key_of_quoted_response(quoted, secret_)) {
    // A datagram that was sent by another way since is no news.
    const server_handle h = server_keys_.find(*server);
    server_transaction* s = servers_.find(h);
    if (!s) s = revive(h);
    if (!s || is_reliable(s->reply_to_.transport)) return;
    ++counters_.transport_errors;
    lose_way(*s);
  }
}

void transaction_layer::on_timer(transaction& t, instant now) {
  if (t.expire_at_ <= now) {
    t.expire_at_ = transaction::never;
    dispatch(t, expiry_of(t.kind_, t.state_));
  } else if (t.retransmit_at_ <= now) {
    t.retransmit_at_ = transaction::never;
    dispatch(t, retransmission_of(t.kind_));
  } else {
    arm(t);
  }
}

void transaction_layer::dispatch(transaction& t, transaction_event event) {
  if (!is_client(t.kind_)) {
    run(static_cast<server_transaction&>(t), event);
    return;
  }
  auto& c = static_cast<client_transaction&>(t);
  if (event == e::timer_c && c.cancel_ == client_transaction::cancel::sent)
    event = e::timer_cancelled;
  run(c, event);
}

void transaction_layer::arm(transaction& t) {
  const instant due = std::min(t.retransmit_at_, t.expire_at_);
  if (due == transaction::never)
    t.cancel();
  else
    out_.timers().arm(t, due);
}

void transaction_layer::start(transaction& t, duration after) {
  t.retransmit_at_ = transaction::never;
  t.expire_at_ = out_.now() + after;
}

void transaction_layer::set_timers_of(transaction& t, action_set<transaction_action> actions,
                                      instant now) {
  const auto repeat_after = [&](duration interval) {
    t.interval_ms_ = static_cast<std::uint32_t>(interval / milliseconds{1});
    t.retransmit_at_ = now + interval;
  };
  const duration interval = milliseconds{t.interval_ms_};
  // Over a reliable transport D, I, J and K are zero (RFC 3261 table 4): forgotten at once.
  const auto unless_reliable = [&](duration after) { return t.is_reliable_ ? duration{} : after; };
  if (actions.has(a::double_interval)) repeat_after(2 * interval);
  if (actions.has(a::cap_interval)) repeat_after(std::min(2 * interval, timers_.t2));
  if (actions.has(a::slow_interval)) repeat_after(timers_.t2);
  if (actions.has(a::stop_timers)) t.retransmit_at_ = t.expire_at_ = transaction::never;
  if (actions.has(a::start_c)) start(t, timers_.timer_c);
  if (actions.has(a::start_d)) start(t, unless_reliable(timers_.timer_d));
  if (actions.has(a::start_i)) start(t, unless_reliable(timers_.t4));
  if (actions.has(a::start_j)) start(t, unless_reliable(timers_.timer_j));
  if (actions.has(a::start_k)) start(t, unless_reliable(timers_.t4));
  if (actions.has(a::start_l)) start(t, timers_.timer_l);
  if (actions.has(a::start_m)) start(t, timers_.timer_m);
  if (actions.has(a::start_g_h)) {
    start(t, timers_.timer_h);
    if (!t.is_reliable_) repeat_after(timers_.t1);
  }
  arm(t);
}

} // namespace tandem::stack

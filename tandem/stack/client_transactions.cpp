// SPDX-License-Identifier: Apache-2.0
// The client half of the transaction layer (RFC 3261 17.1).
#include <tandem/stack/transaction_layer.hpp>

#include <tandem/sip/message.hpp>
#include <tandem/stack/hop_requests.hpp>
#include <tandem/stack/transaction_key.hpp>

#include <string>

namespace tandem::stack {

using a = transaction_action;
using e = transaction_event;
using s = transaction_state;

result<client_handle, transaction_errc>
transaction_layer::create_client(std::string_view method, std::string_view branch,
                                 const wire_message& request, const target& to, client_user& user,
                                 user_tag tag) {
  if (is_full()) return fail(transaction_errc::full);
  const bool invites = method == "INVITE";
  const std::uint64_t key = client_key(branch, method, secret_);
  const client_handle h = clients_.emplace(
      *this, invites ? transaction_kind::client_invite : transaction_kind::client_non_invite,
      invites ? s::calling : s::trying, key, tag);
  if (!begin(h, request, to)) return fail(transaction_errc::exists);
  clients_.find(h)->user_ = &user;
  return h;
}

bool transaction_layer::begin(client_handle h, const wire_message& request, const target& to) {
  client_transaction& c = *clients_.find(h);
  if (!client_keys_.insert(c.key_, h)) {
    clients_.erase(h);
    return false;
  }
  ++counters_.clients;
  c.slot_ = h.slot;
  c.generation_ = h.generation;
  c.request_ = request;
  c.to_ = to;
  c.is_reliable_ = is_reliable(to.transport);
  start(c, is_invite(c.kind_) ? timers_.timer_b : timers_.timer_f);
  if (!c.is_reliable_) {
    c.interval_ms_ = static_cast<std::uint32_t>(timers_.t1 / milliseconds{1});
    c.retransmit_at_ = out_.now() + timers_.t1;
  }
  arm(c);
  send_request(c);
  return true;
}

void transaction_layer::send_request(client_transaction& c) {
  out_.send(c.to_, c.request_, {c.slot_, c.generation_, origin::kind::client});
}

void transaction_layer::run(client_transaction& c, transaction_event event, sip::message* response,
                            const arrival* from) {
  const auto* row = machine_of(c.kind_).find(c.state_, event);
  if (!row) {
    ++counters_.impossible;
    return;
  }
  const client_handle h{c.slot_, c.generation_};
  const auto actions = row->actions; // on a response, if they acknowledge it or pass it on
  const instant now = out_.now();
  const instant was_due = c.expire_at_;
  if (actions.empty() && response) ++counters_.absorbed;
  if (actions.has(a::send_request)) {
    ++counters_.retransmitted;
    send_request(c);
  }
  if (actions.has(a::send_ack)) {
    // The ACK takes the place of the INVITE, which nobody sends again.
    if (response && c.state_ != s::completed) c.request_ = make_ack(c.request_.bytes(), *response);
    if (c.request_) send_request(c);
  }
  c.state_ = row->next;
  if (c.state_ == s::accepted) c.request_ = {};
  if (c.state_ == s::completed && c.kind_ == transaction_kind::client_non_invite) c.request_ = {};
  if (c.state_ != s::terminated) {
    set_timers_of(c, actions, now);
    if (event == e::response_1xx && c.cancel_ == client_transaction::cancel::wanted) send_cancel(c);
  }

  client_user* const user = c.user_;
  const user_tag tag = c.tag_;
  if (c.state_ == s::terminated) {
    end(c);
  } else if (c.expire_at_ <= now && c.expire_at_ != was_due) {
    // A timer of zero: the response is passed on as the last thing that the transaction does. One
    // that was due before, and is late, comes by itself.
    run(c, expiry_of(c.kind_, c.state_));
  }
  if (actions.has(a::report_timer_c)) {
    if (user) user->on_timer_c(h, tag);
    // Nothing rings for ever: a user that neither cancelled nor gave it more time is helped.
    if (const client_transaction* left = clients_.find(h); left && !left->is_armed()) cancel(h);
    return;
  }
  if (!user) {
    retire_if_done(h, nullptr);
    return;
  }
  if (actions.has(a::pass_response) && response && from)
    user->on_response(h, tag, *response, *from);
  if (actions.has(a::report_transport_error))
    user->on_failure(h, tag, client_failure::transport_error);
  if (actions.has(a::report_timeout)) {
    ++counters_.timeouts;
    user->on_failure(h, tag, client_failure::timeout);
  }
  if (actions.has(a::report_cancel_timeout)) {
    ++counters_.timeouts;
    user->on_failure(h, tag, client_failure::cancel_timeout);
  }
}

void transaction_layer::end(client_transaction& c) {
  const client_handle h{c.slot_, c.generation_};
  client_keys_.erase(c.key_, h);
  clients_.erase(h);
}

void transaction_layer::set_timer_c(client_handle client, duration after) {
  client_transaction* c = clients_.find(client);
  if (!c || c->kind_ != transaction_kind::client_invite || c->state_ != s::proceeding ||
      c->cancel_ == client_transaction::cancel::sent)
    return;
  c->expire_at_ = out_.now() + after;
  arm(*c);
}

void transaction_layer::cancel(client_handle client, std::span<const std::string_view> reasons) {
  client_transaction* c = clients_.find(client);
  if (!c || c->kind_ != transaction_kind::client_invite ||
      c->cancel_ != client_transaction::cancel::no)
    return;
  if (c->state_ != s::calling && c->state_ != s::proceeding) return;
  if (!reasons.empty())
    c->cancel_reasons_ = std::make_unique<std::vector<std::string>>(reasons.begin(), reasons.end());
  // RFC 3261 9.1: not before a provisional response, since a CANCEL may overtake its INVITE.
  c->cancel_ = client_transaction::cancel::wanted;
  if (c->state_ == s::proceeding) send_cancel(*c);
}

void transaction_layer::send_cancel(client_transaction& c) {
  c.cancel_ = client_transaction::cancel::sent;
  c.expire_at_ = out_.now() + timers_.timer_cancelled;
  arm(c);
  const auto reasons = std::move(c.cancel_reasons_);
  const auto invite = sip::message::parse(c.request_.bytes());
  const auto names = invite ? invite->key() : fail(sip::header_id::via);
  if (!names) return; // no INVITE of ours
  const wire_message request =
      make_cancel(*invite, reasons ? *reasons : std::span<const std::string>{});
  if (!request) return;
  // RFC 3261 9.1: the branch is that of the INVITE.
  const std::uint64_t key = client_key(names->branch, "CANCEL", secret_);

  // A transaction that nobody listens to; its result comes as the response to the INVITE. It is
  // made even at the bound, as a call must be able to end.
  static_cast<void>(begin(
      clients_.emplace(*this, transaction_kind::client_non_invite, s::trying, key, user_tag{}),
      request, c.to_));
}

const client_transaction* transaction_layer::find(client_handle client) noexcept {
  return clients_.find(client);
}

void transaction_layer::forget(client_handle client) {
  if (client_transaction* c = clients_.find(client)) end(*c);
}

void transaction_layer::retag(client_handle client, user_tag tag) noexcept {
  if (client_transaction* c = clients_.find(client)) c->tag_ = tag;
}

void transaction_layer::release(client_handle client) {
  if (client_transaction* c = clients_.find(client)) c->user_ = nullptr;
  retire_if_done(client, nullptr);
}

bool transaction_layer::retire(client_handle client, server_handle upstream) {
  const server_transaction* const server = servers_.find(upstream);
  const client_transaction* const c = clients_.find(client);
  if (server && server->is_reliable_ && c && c->state_ == s::accepted) return false;
  const way_back way = server ? way_back::of(server->reply_to_) : way_back{};
  return retire_if_done(client, server ? &way : nullptr);
}

bool transaction_layer::retire_if_done(client_handle client, const way_back* upstream) {
  client_transaction* c = clients_.find(client);
  if (!c) return true;
  const bool is_accepted = c->state_ == s::accepted;
  if (!is_accepted && (c->state_ != s::completed || is_invite(c->kind_))) return false;
  ended_.add(is_accepted ? ended_kind::client_accepted : ended_kind::client_completed, c->key_,
             client, c->expire_at_, is_accepted ? upstream : nullptr);
  clients_.erase(client);
  return true;
}

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// The server half of the transaction layer (RFC 3261 17.2, RFC 6026).
#include <tandem/stack/transaction_layer.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/stack/suspension.hpp>
#include <tandem/stack/via_rules.hpp>

namespace tandem::stack {

using a = transaction_action;
using e = transaction_event;
using s = transaction_state;

result<server_handle, transaction_errc>
transaction_layer::create_server(const sip::message& request, const arrival& from,
                                 server_user& user, user_tag tag) {
  const auto keys = keys_of(request, from);
  if (!keys) return fail(transaction_errc::bad_branch);
  if (const server_handle there = server_keys_.find(keys->own)) {
    server_transaction* t = servers_.find(there);
    if (!t || !t->is_reserved_) return fail(transaction_errc::exists);
    t->is_reserved_ = false;
    t->user_ = &user;
    t->tag_ = tag;
    ++counters_.servers;
    return there;
  }
  const auto added = add_server(request, keys->own, from, user, tag);
  if (added) ++counters_.servers;
  return added;
}

result<server_handle, transaction_errc>
transaction_layer::add_server(const sip::message& request, std::uint64_t key, const arrival& from,
                              server_user& user, user_tag tag) {
  const auto via = request.get<sip::hdr::via>();
  if (!via) return fail(transaction_errc::bad_branch);
  if (is_full()) return fail(transaction_errc::full);
  const bool invites = request.method() == sip::method::invite;
  const server_handle h = servers_.emplace(
      *this, invites ? transaction_kind::server_invite : transaction_kind::server_non_invite,
      invites ? s::proceeding : s::trying, key, tag);
  server_keys_.insert(key, h);
  server_transaction& t = *servers_.find(h);
  t.slot_ = h.slot;
  t.generation_ = h.generation;
  t.user_ = &user;
  t.reply_to_ = response_target(*via, from);
  t.is_reliable_ = is_reliable(t.reply_to_.transport);
  // An ACK is answered by nothing, so silence means nothing either.
  if (request.method() != sip::method::ack) {
    start(t, invites ? timers_.trying_invite : timers_.trying_other);
    arm(t);
  }
  return h;
}

bool transaction_layer::respond(server_handle server, int status, const wire_message& response) {
  server_transaction* t = servers_.find(server);
  if (!t) return false;
  const bool invites = t->kind_ == transaction_kind::server_invite;
  // RFC 4320 4.1: to other requests than INVITE no provisional response but 100.
  if (!invites && status > 100 && status < 200) return false;
  if (t->is_reserved_ && status >= 200) return false;
  const auto event = status < 200 ? e::user_1xx : status < 300 ? e::user_2xx : e::user_failure;
  if (!machine_of(t->kind_).find(t->state_, event)) return false;
  if (t->detour_ && !t->detour_->is_asked) {
    // The way was lost while nothing was kept that says where else to go; a response does.
    static_cast<void>(ask_for_ways(*t, response.bytes()));
    t = servers_.find(server);
    if (!t || !machine_of(t->kind_).find(t->state_, event)) return false;
  }
  t->response_ = response;
  run(*t, event);
  return true;
}

void transaction_layer::send_response(server_transaction& t) {
  if (t.response_)
    out_.send(t.reply_to_, t.response_, {t.slot_, t.generation_, origin::kind::server});
}

void transaction_layer::lose_way(server_transaction& t) {
  // RFC 3261 18.2.2: the connection is gone, so open one to the received address.
  if (t.reply_to_.flow && is_reliable(t.reply_to_.transport)) {
    t.reply_to_.flow = {};
    send_response(t);
    return;
  }
  // And then wherever the sender's own name leads.
  if (!t.detour_) t.detour_ = std::make_unique<reply_detour>();
  if (!t.detour_->is_asked && t.response_ && ask_for_ways(t, t.response_.bytes())) return;
  if (t.detour_->left.empty()) {
    run(t, e::transport_error);
    return;
  }
  t.reply_to_ = t.detour_->left.back();
  t.detour_->left.pop_back();
  send_response(t);
}

bool transaction_layer::ask_for_ways(server_transaction& t, std::string_view response) {
  t.detour_->is_asked = true;
  const auto parsed = sip::message::parse(response);
  return parsed &&
         core_->on_unreachable({t.slot_, t.generation_}, parsed->top_via(), target{t.reply_to_});
}

void transaction_layer::send_by(server_handle server, std::span<const target> ways) {
  server_transaction* t = servers_.find(server);
  if (!t || !t->detour_) return;
  t->detour_->left.assign(ways.rbegin(), ways.rend());
  lose_way(*t);
}

bool transaction_layer::repeat(server_handle server) {
  server_transaction* t = servers_.find(server);
  if (!t) t = revive(server);
  if (!t || !t->response_) return false;
  ++counters_.retransmitted;
  send_response(*t);
  if (!t->user_) retire_if_done({t->slot_, t->generation_});
  return true;
}

server_transaction* transaction_layer::revive(server_handle ended) {
  if (!ended_.is_ended(ended) || ended_.kind_of(ended) != ended_kind::server_answered)
    return nullptr;
  // Its answer says all: the key, and the way back in its Via.
  const wire_message answer = ended_.answer_of(ended);
  const auto key = key_of_quoted_response(answer.bytes(), secret_);
  if (!key || server_keys_.find(*key) != ended) return nullptr;
  const auto parsed = sip::message::parse(answer.bytes());
  if (!parsed) return nullptr;
  const auto via = parsed->get<sip::hdr::via>();
  // It came as a datagram, whatever the sender calls its transport.
  const auto source = via ? source_of(*via, transport_kind::udp) : std::nullopt;
  if (!source) return nullptr;
  arrival from;
  from.source = *source;
  const server_handle h =
      servers_.emplace(*this, transaction_kind::server_non_invite, s::completed, *key, user_tag{});
  ended_.revive(*key, ended, h);
  server_transaction& t = *servers_.find(h);
  t.slot_ = h.slot;
  t.generation_ = h.generation;
  t.response_ = answer;
  t.reply_to_ = response_target(*via, from);
  start(t, timers_.timer_j);
  arm(t);
  return &t;
}

void transaction_layer::run(server_transaction& t, transaction_event event, sip::message* request,
                            const arrival* from) {
  const auto* row = machine_of(t.kind_).find(t.state_, event);
  if (!row) {
    ++counters_.impossible;
    return;
  }
  const server_handle h{t.slot_, t.generation_};
  const auto actions = row->actions;
  const instant now = out_.now();
  const instant was_due = t.expire_at_;
  if (actions.has(a::send_response)) send_response(t);
  if (actions.has(a::resend_response)) {
    ++counters_.retransmitted;
    send_response(t);
  }
  t.state_ = row->next;
  // Nothing is resent any more: a 2xx is the user's to repeat, an ACK ends the rest.
  if (t.state_ == s::accepted || t.state_ == s::confirmed) t.response_ = {};
  if (t.state_ != s::terminated) set_timers_of(t, actions, now);

  server_user* const user = t.user_;
  const user_tag tag = t.tag_;
  if (t.state_ == s::terminated)
    end(t);
  else if (t.expire_at_ <= now && t.expire_at_ != was_due)
    run(t, expiry_of(t.kind_, t.state_)); // a timer of zero; one that is late comes by itself
  if (actions.has(a::pass_ack) && request && from) core_->on_request(*request, *from);
  if (!user) {
    retire_if_done(h);
    return;
  }
  if (actions.has(a::report_silence)) user->on_silence(h, tag);
  if (actions.has(a::report_transport_error))
    user->on_failure(h, tag, server_failure::transport_error);
  if (actions.has(a::report_no_ack)) {
    ++counters_.timeouts;
    user->on_failure(h, tag, server_failure::no_ack);
  }
}

void transaction_layer::end(server_transaction& t) {
  const server_handle h{t.slot_, t.generation_};
  server_keys_.erase(t.key_, h);
  if (!t.suspension_) {
    servers_.erase(h);
    return;
  }
  // Its program still runs and holds other requests up; resume() takes it away.
  t.retransmit_at_ = t.expire_at_ = transaction::never;
  t.cancel();
}

const server_transaction* transaction_layer::find(server_handle server) noexcept {
  return servers_.find(server);
}

server_handle transaction_layer::find_server(const sip::message& request,
                                             const arrival& from) const noexcept {
  const auto keys = keys_of(request, from);
  if (!keys) return {};
  return server_keys_.find(request.method() == sip::method::cancel ? keys->invite : keys->own);
}

void transaction_layer::abandon(server_handle server) {
  if (server_transaction* t = servers_.find(server);
      t && machine_of(t->kind_).find(t->state_, e::user_abandons)) {
    t->response_ = {};
    run(*t, e::user_abandons);
  }
}

bool transaction_layer::send_past(server_handle server, const wire_message& response) {
  const server_transaction* t = servers_.find(server);
  if (!t) return false;
  out_.send(t->reply_to_, response, {});
  return true;
}

void transaction_layer::release(server_handle server) {
  server_transaction* t = servers_.find(server);
  if (!t) return;
  t->user_ = nullptr;
  if (!lingering_.empty()) {
    // A socket that refuses the answer says so at the end of the turn.
    std::swap(server, lingering_[next_lingering_]);
    next_lingering_ = (next_lingering_ + 1) % lingering_.size();
  }
  retire_if_done(server);
}

void transaction_layer::retire_if_done(server_handle server) {
  server_transaction* t = servers_.find(server);
  // One over a stream finds another way itself when the stream breaks.
  if (!t || t->suspension_ || t->is_reliable_) return;
  ended_kind kind;
  if (t->state_ == s::accepted)
    kind = ended_kind::server_accepted;
  else if (t->state_ == s::confirmed)
    kind = ended_kind::server_confirmed;
  else if (t->state_ == s::completed && t->kind_ == transaction_kind::server_non_invite)
    kind = ended_kind::server_answered;
  else
    return;
  ended_.add(kind, t->key_, server, t->expire_at_, t->response_.bytes());
  servers_.erase(server);
}

} // namespace tandem::stack

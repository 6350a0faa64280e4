// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/server_transactions.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/stack/transaction_key.hpp>
#include <tandem/stack/via_rules.hpp>

#include <algorithm>
#include <new>

namespace tandem::stack {

namespace {

/// Bytes that a copy of a request is worth in answers to its source.
std::uint32_t allowance_for(const sip::message& request, transport_kind transport) noexcept {
  return static_cast<std::uint32_t>(answer_limit(request.received_bytes().size(), transport));
}

} // namespace

using a = transaction_action;
using e = transaction_event;
using state = transaction_state;

void server_transaction::on_timer(instant now) { owner_.on_timer(*this, now); }

void server_transactions::on_timer(server_transaction& t, instant now) {
  if (const auto event = commons_.timers.take_due(t, now)) run(t, *event);
}

// ---- life

result<server_handle, transaction_errc>
server_transactions::create(const sip::message& request, std::uint64_t key, const arrival& from,
                            server_user& user, user_tag tag) {
  if (const server_handle there = commons_.server_keys.find(key)) {
    server_transaction* t = all_.find(there);
    if (!t || !t->is_reserved_) return fail(transaction_errc::exists);
    t->is_reserved_ = false;
    t->user_ = &user;
    t->tag_ = tag;
    ++commons_.counters.servers;
    return there;
  }
  const auto added = add(request, key, from, user, tag);
  if (added) ++commons_.counters.servers;
  return added;
}

result<server_handle, transaction_errc> server_transactions::add(const sip::message& request,
                                                                 std::uint64_t key,
                                                                 const arrival& from,
                                                                 server_user& user, user_tag tag) {
  const auto via = request.get<sip::hdr::via>();
  if (!via) return fail(transaction_errc::bad_branch);
  if (commons_.is_full()) return fail(transaction_errc::full);
  kept_source& source = commons_.kept.of(from.source.ip);
  // Who begins a dialog can be told to come again; what belongs to one shall end well. Anybody can
  // write a To tag, so that this has a bound, too.
  const auto use = request.to_tag().empty() ? keep_for::new_work : keep_for::the_rest;
  if (!commons_.may_keep(source, request.received_bytes().size(), use))
    return fail(transaction_errc::full);
  const bool invites = request.method() == sip::method::invite;
  server_transaction& t =
      emplace(invites ? transaction_kind::server_invite : transaction_kind::server_non_invite,
              invites ? state::proceeding : state::trying, key, tag);
  const server_handle h{t.slot_, t.generation_};
  try {
    commons_.server_keys.insert(key, h);
  } catch (const std::bad_alloc&) {
    remove(h);
    throw;
  }
  t.user_ = &user;
  t.response_.name(&source);
  t.reply_to_ = response_target(*via, from);
  t.is_reliable_ = is_reliable(t.reply_to_.transport);
  if (!t.is_reliable_) t.allowance_ = allowance_for(request, t.reply_to_.transport);
  // An ACK is answered by nothing, so silence means nothing either.
  const timer_settings& timers = commons_.timers.settings();
  if (request.method() != sip::method::ack)
    commons_.timers.start(t, invites ? timers.trying_invite : timers.trying_other);
  return h;
}

server_transaction& server_transactions::emplace(transaction_kind kind, transaction_state begins_in,
                                                 std::uint64_t key, user_tag tag) {
  const server_handle h = all_.emplace(*this, kind, begins_in, key, tag);
  ++commons_.live;
  server_transaction& t = *all_.find(h);
  t.slot_ = h.slot;
  t.generation_ = h.generation;
  return t;
}

void server_transactions::remove(server_handle server) noexcept {
  if (!all_.find(server)) return;
  --commons_.live;
  all_.erase(server);
}

void server_transactions::end(server_transaction& t) {
  const server_handle h{t.slot_, t.generation_};
  commons_.server_keys.erase(t.key_, h);
  // One whose program still runs holds other requests up; resume() takes it away.
  if (t.suspension_)
    commons_.timers.stop(t);
  else
    remove(h);
}

void server_transactions::release(server_handle server) {
  server_transaction* t = all_.find(server);
  if (!t) return;
  t->user_ = nullptr;
  if (!lingering_.empty()) {
    // A socket that refuses the answer says so at the end of the turn.
    std::swap(server, lingering_[next_lingering_]);
    next_lingering_ = (next_lingering_ + 1) % lingering_.size();
  }
  retire_if_done(server);
}

void server_transactions::retire_if_done(server_handle server) {
  server_transaction* t = all_.find(server);
  // One over a stream finds another way itself when the stream breaks.
  if (!t || t->suspension_ || t->is_reliable_ || (t->detour_ && t->detour_->is_waiting)) return;
  ended_kind kind;
  if (t->state_ == state::accepted)
    kind = ended_kind::server_accepted;
  else if (t->state_ == state::confirmed)
    kind = ended_kind::server_confirmed;
  else if (t->state_ == state::completed && t->kind_ == transaction_kind::server_non_invite)
    kind = ended_kind::server_answered;
  else
    return;
  if (t->response_.get().size > ended_transactions::longest_answer) return;
  try {
    commons_.ended.add(kind, t->key_, server, t->expire_at_, t->response_.bytes());
  } catch (const std::bad_alloc&) {
    return; // it stays whole until its timer
  }
  remove(server);
}

server_transaction* server_transactions::revive(server_handle ended) {
  if (!commons_.ended.is_ended(ended) ||
      commons_.ended.kind_of(ended) != ended_kind::server_answered)
    return nullptr;
  // Its answer says all: the key, and the way back in its Via.
  const wire_message answer = commons_.ended.answer_of(ended);
  const auto key = key_of_quoted_response(answer.bytes(), commons_.secret);
  if (!key || commons_.server_keys.find(*key) != ended) return nullptr;
  const auto parsed = sip::message::parse(answer.bytes());
  if (!parsed) return nullptr;
  const auto via = parsed->get<sip::hdr::via>();
  // It came as a datagram, whatever the sender calls its transport.
  const auto source = via ? source_of(*via, transport_kind::udp) : std::nullopt;
  if (!source) return nullptr;
  arrival from;
  from.source = *source;
  kept_source& payer = commons_.kept.of(source->ip);
  server_transaction& t =
      emplace(transaction_kind::server_non_invite, state::completed, *key, user_tag{});
  commons_.ended.revive(*key, ended, server_handle{t.slot_, t.generation_});
  t.response_.name(&payer);
  t.response_.keep(answer);
  t.reply_to_ = response_target(*via, from);
  // What its requests were worth is not remembered.
  t.allowance_ = static_cast<std::uint32_t>(answer_limit(0, transport_kind::udp));
  commons_.timers.start(t, commons_.timers.settings().timer_j);
  return &t;
}

// ---- programs that wait

result<server_handle, transaction_errc>
server_transactions::suspend(const sip::message& request, std::uint64_t key, const arrival& from,
                             server_user& user, user_tag tag, std::unique_ptr<suspension> held) {
  server_handle h = commons_.server_keys.find(key);
  if (!h) {
    const auto added = add(request, key, from, user, tag);
    if (!added) return added;
    h = *added;
    all_.find(h)->is_reserved_ = true;
  }
  server_transaction* const t = all_.find(h);
  if (!t || t->suspension_) return fail(transaction_errc::exists);
  t->suspension_ = std::move(held);
  t->suspension_->charge.name(t->source());
  t->suspension_->charge.set(request.held_bytes());
  return h;
}

std::unique_ptr<suspension> server_transactions::resume(server_handle server) {
  server_transaction* t = all_.find(server);
  if (!t || !t->suspension_) return nullptr;
  auto held = std::move(t->suspension_);
  held->is_forgotten = t->is_reserved_ || t->state_ == state::terminated;
  if (held->is_forgotten) end(*t);
  return held;
}

bool server_transactions::hold_cancel(server_handle invite, sip::message& cancel,
                                      const arrival& from) {
  server_transaction* const t = all_.find(invite);
  if (!t || !t->suspension_) return false;
  auto& held = t->suspension_->cancel;
  if (held) return true;
  held.emplace(cancel, from);
  held->charge.name(t->source());
  held->charge.set(held->request.held_bytes());
  return true;
}

// ---- what comes in

bool server_transactions::absorb(server_handle server, sip::message& request, const arrival& from) {
  if (!server) return false;
  server_transaction* const t = all_.find(server);
  if (!t) {
    absorb_ended(server, request, from);
    return true;
  }
  ++commons_.counters.absorbed;
  if (t->allowance_ != transaction::unbounded)
    t->allowance_ += std::min(allowance_for(request, t->reply_to_.transport),
                              transaction::unbounded - 1 - t->allowance_);
  const bool ends_invite =
      request.method() == sip::method::ack && t->kind_ == transaction_kind::server_invite;
  run(*t, ends_invite ? e::ack : e::request, &request, &from);
  return true;
}

void server_transactions::absorb_ended(server_handle ended, sip::message& request,
                                       const arrival& from) {
  ++commons_.counters.absorbed;
  switch (commons_.ended.kind_of(ended)) {
  case ended_kind::server_accepted:
    if (request.method() == sip::method::ack)
      commons_.out.to_tell().add(request_arrived{&commons_.users, std::move(request), from});
    return;
  case ended_kind::server_answered:
    if (const wire_message answer = commons_.ended.answer_of(ended))
      answer_copy(answer, request, from);
    return;
  default: return;
  }
}

void server_transactions::answer_copy(const wire_message& answer, const sip::message& request,
                                      const arrival& from) {
  if (!is_reliable(from.transport) && answer.size > allowance_for(request, from.transport)) {
    ++commons_.counters.withheld;
    return;
  }
  // The Via of the answer is that of the first copy as the user of the transaction has left it, who
  // may have put rport in.
  const auto parsed = sip::message::parse(answer.bytes());
  const auto via = parsed ? parsed->get<sip::hdr::via>() : request.get<sip::hdr::via>();
  if (!via) return;
  ++commons_.counters.retransmitted;
  commons_.out.send(response_target(*via, from), answer, {});
}

// ---- responses

bool server_transactions::respond(server_handle server, int status, const wire_message& response) {
  server_transaction* t = all_.find(server);
  if (!t) return false;
  const bool invites = t->kind_ == transaction_kind::server_invite;
  // RFC 4320 4.1: to other requests than INVITE no provisional response but 100.
  if (!invites && status > 100 && status < 200) return false;
  if (t->is_reserved_ && status >= 200) return false;
  const auto event = status < 200 ? e::user_1xx : status < 300 ? e::user_2xx : e::user_failure;
  if (!machine_of(t->kind_).find(t->state_, event)) return false;
  // The way was lost while nothing was kept that says where else to go; a response does.
  if (t->detour_ && !t->detour_->is_asked) static_cast<void>(ask_for_ways(*t, response.bytes()));
  t->response_.keep(response);
  run(*t, event);
  // Beyond the bounds it has been handed over once, and is not sent again. While its way is looked
  // for it has not.
  t = all_.find(server);
  if (t && t->response_ && !(t->detour_ && t->detour_->is_waiting) &&
      !commons_.may_keep(*t->source(), 0, keep_for::the_rest))
    t->response_.drop();
  return true;
}

bool server_transactions::repeat(server_handle server) {
  server_transaction* t = all_.find(server);
  if (!t) t = revive(server);
  if (!t || !t->response_) return false;
  ++commons_.counters.retransmitted;
  send_response(*t, sending::if_paid);
  if (!t->user_) retire_if_done({t->slot_, t->generation_});
  return true;
}

void server_transactions::abandon(server_handle server) {
  if (server_transaction* t = all_.find(server);
      t && machine_of(t->kind_).find(t->state_, e::user_abandons)) {
    t->response_.drop();
    run(*t, e::user_abandons);
  }
}

bool server_transactions::send_past(server_handle server, const wire_message& response) {
  server_transaction* t = all_.find(server);
  if (!t) return false;
  if (pay(*t, response.size))
    commons_.out.send(t->reply_to_, response, {});
  else
    ++commons_.counters.withheld;
  return true;
}

void server_transactions::send_response(server_transaction& t, sending when) {
  if (!t.response_ || (t.detour_ && t.detour_->is_waiting)) return;
  if (!pay(t, t.response_.get().size)) {
    if (when == sending::if_paid) {
      ++commons_.counters.withheld;
      return;
    }
    t.allowance_ = 0;
  }
  commons_.out.send(t.reply_to_, t.response_.get(), {t.slot_, t.generation_, origin::kind::server});
}

bool server_transactions::pay(server_transaction& t, std::uint32_t bytes) noexcept {
  if (t.allowance_ == transaction::unbounded) return true;
  if (bytes > t.allowance_) return false;
  t.allowance_ -= bytes;
  return true;
}

// ---- the way of responses (RFC 3261 18.2.2)

void server_transactions::fail_to_send(server_handle server, send_error reason) {
  server_transaction* const t = all_.find(server);
  if (!t) return;
  if (has_other_ways(reason))
    lose_way(*t);
  else
    run(*t, e::transport_error);
}

bool server_transactions::refuse_datagram(server_handle server) {
  server_transaction* t = all_.find(server);
  if (!t) t = revive(server);
  // A datagram that was sent by another way since is no news.
  if (!t || is_reliable(t->reply_to_.transport)) return false;
  lose_way(*t);
  return true;
}

void server_transactions::lose_way(server_transaction& t) {
  // The connection is gone, so open one to the received address.
  if (t.reply_to_.flow && is_reliable(t.reply_to_.transport)) {
    t.reply_to_.flow = {};
    send_response(t, sending::always);
    return;
  }
  // And then wherever the sender's own name leads.
  if (!t.detour_) t.detour_ = std::make_unique<reply_detour>();
  if (t.detour_->is_waiting) return;
  if (!t.detour_->is_asked && t.response_ && ask_for_ways(t, t.response_.bytes())) return;
  if (t.detour_->left.empty()) {
    run(t, e::transport_error);
    return;
  }
  t.reply_to_ = t.detour_->left.back();
  t.detour_->left.pop_back();
  send_response(t, sending::always);
}

bool server_transactions::ask_for_ways(server_transaction& t, std::string_view response) {
  t.detour_->is_asked = true;
  commons_.out.to_tell().guard([&] {
    const auto parsed = sip::message::parse(response);
    if (!parsed) return;
    commons_.out.to_tell().add(
        way_lost{this, {t.slot_, t.generation_}, std::string{parsed->top_via()}, t.reply_to_});
    t.detour_->is_waiting = true;
  });
  return t.detour_->is_waiting;
}

void server_transactions::find_ways(server_handle server, std::string_view via,
                                    const target& tried) {
  if (!commons_.users.find_ways(server, via, tried)) send_by(server, {});
}

void server_transactions::send_by(server_handle server, std::span<const target> ways) {
  server_transaction* t = all_.find(server);
  if (!t || !t->detour_) return;
  t->detour_->is_waiting = false;
  // Whoever the name in a datagram leads to has asked for nothing: one copy each.
  if (!t->is_reliable_) t->allowance_ = 0;
  commons_.out.to_tell().guard([&] { t->detour_->left.assign(ways.rbegin(), ways.rend()); });
  lose_way(*t);
}

// ---- the machine

void server_transactions::run(server_transaction& t, transaction_event event, sip::message* request,
                              const arrival* from) {
  const auto* row = machine_of(t.kind_).find(t.state_, event);
  if (!row) {
    ++commons_.counters.impossible;
    return;
  }
  const server_handle h{t.slot_, t.generation_};
  const auto actions = row->actions;
  const instant was_due = commons_.timers.end_of(t);
  if (actions.has(a::send_response)) {
    const bool is_first_final =
        event == e::user_failure || (event == e::user_2xx && t.state_ != state::accepted);
    send_response(t, is_first_final ? sending::always : sending::if_paid);
  }
  if (actions.has(a::resend_response)) {
    ++commons_.counters.retransmitted;
    send_response(t, sending::if_paid);
  }
  t.state_ = row->next;
  // Nothing is resent any more: a 2xx is the user's to repeat, an ACK ends the rest. One that has
  // not left yet still does.
  const bool is_waiting = t.detour_ && t.detour_->is_waiting;
  if (t.state_ == state::confirmed || (t.state_ == state::accepted && !is_waiting))
    t.response_.drop();
  if (t.state_ != state::terminated) commons_.timers.follow(t, actions);

  server_user* const user = t.user_;
  const user_tag tag = t.tag_;
  if (t.state_ == state::terminated)
    end(t);
  else if (commons_.timers.is_over(t, was_due))
    run(t, expiry_of(t.kind_, t.state_));
  effects& told = commons_.out.to_tell();
  if (actions.has(a::pass_ack) && request && from)
    told.add(request_arrived{&commons_.users, std::move(*request), *from});
  if (!user) {
    retire_if_done(h);
    return;
  }
  if (actions.has(a::report_silence)) told.add(server_silent{user, h, tag});
  if (actions.has(a::report_transport_error))
    told.add(server_failed{user, h, tag, server_failure::transport_error});
  if (actions.has(a::report_no_ack)) {
    ++commons_.counters.timeouts;
    told.add(server_failed{user, h, tag, server_failure::no_ack});
  }
}

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/client_transactions.hpp>

#include <tandem/sip/message.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/stack/hop_requests.hpp>
#include <tandem/stack/record_route.hpp>
#include <tandem/stack/transaction_key.hpp>
#include <tandem/stack/wire.hpp>

#include <new>
#include <utility>

namespace tandem::stack {

using a = transaction_action;
using e = transaction_event;
using state = transaction_state;

void client_transaction::on_timer(instant now) { owner_.on_timer(*this, now); }

void client_transactions::on_timer(client_transaction& c, instant now) {
  auto event = commons_.timers.take_due(c, now);
  if (!event) return;
  if (event == e::timer_c && c.cancel_ == client_transaction::cancel::sent)
    event = e::timer_cancelled;
  run(c, *event);
}

// ---- life

result<client_handle, transaction_errc>
client_transactions::create(std::string_view method, std::string_view branch,
                            const wire_message& request, const target& to, client_user& user,
                            user_tag tag, std::uint32_t allowance, kept_source* paid_by) {
  if (commons_.is_full()) return fail(transaction_errc::full);
  kept_source& source = paid_by ? *paid_by : commons_.kept.of({});
  if (!commons_.may_keep(source, request.block.capacity(), keep_for::the_rest))
    return fail(transaction_errc::full);
  const bool invites = method == "INVITE";
  const client_handle h = add(
      invites ? transaction_kind::client_invite : transaction_kind::client_non_invite,
      invites ? state::calling : state::trying, client_key(branch, method, commons_.secret), tag);
  all_.find(h)->allowance_ = allowance;
  if (!begin(h, request, to, source)) return fail(transaction_errc::exists);
  all_.find(h)->user_ = &user;
  return h;
}

client_handle client_transactions::add(transaction_kind kind, transaction_state begins_in,
                                       std::uint64_t key, user_tag tag) {
  const client_handle h = all_.emplace(*this, kind, begins_in, key, tag);
  ++commons_.live;
  client_transaction& c = *all_.find(h);
  c.slot_ = h.slot;
  c.generation_ = h.generation;
  return h;
}

void client_transactions::remove(client_handle client) noexcept {
  if (!all_.find(client)) return;
  --commons_.live;
  all_.erase(client);
}

bool client_transactions::begin(client_handle h, const wire_message& request, const target& to,
                                kept_source& source) {
  client_transaction& c = *all_.find(h);
  try {
    if (!commons_.client_keys.insert(c.key_, h)) {
      remove(h);
      return false;
    }
  } catch (const std::bad_alloc&) {
    remove(h);
    throw;
  }
  ++commons_.counters.clients;
  c.request_.name(&source);
  c.request_.keep(request);
  c.to_ = to;
  c.is_reliable_ = is_reliable(to.transport);
  const timer_settings& timers = commons_.timers.settings();
  commons_.timers.begin_sending(c, is_invite(c.kind_) ? timers.timer_b : timers.timer_f);
  send_request(c);
  return true;
}

void client_transactions::end(client_transaction& c) {
  const client_handle h{c.slot_, c.generation_};
  commons_.client_keys.erase(c.key_, h);
  remove(h);
}

void client_transactions::forget(client_handle client) {
  if (client_transaction* c = all_.find(client)) end(*c);
}

void client_transactions::retag(client_handle client, user_tag tag) noexcept {
  if (client_transaction* c = all_.find(client)) c->tag_ = tag;
}

void client_transactions::release(client_handle client) {
  if (client_transaction* c = all_.find(client)) c->user_ = nullptr;
  retire_if_done(client, nullptr);
}

bool client_transactions::retire(client_handle client, const target* upstream,
                                 std::uint32_t allowance) {
  const client_transaction* const c = all_.find(client);
  // One over a stream finds another way itself when the stream breaks.
  if (upstream && is_reliable(upstream->transport) && c && c->state_ == state::accepted)
    return false;
  const way_back way = upstream ? way_back::of(*upstream, allowance) : way_back{};
  return retire_if_done(client, upstream ? &way : nullptr);
}

bool client_transactions::retire_if_done(client_handle client, const way_back* upstream) {
  client_transaction* c = all_.find(client);
  if (!c) return true;
  const bool is_accepted = c->state_ == state::accepted;
  if (!is_accepted && (c->state_ != state::completed || is_invite(c->kind_))) return false;
  try {
    commons_.ended.add(is_accepted ? ended_kind::client_accepted : ended_kind::client_completed,
                       c->key_, client, c->expire_at_, is_accepted ? upstream : nullptr);
  } catch (const std::bad_alloc&) {
    return false; // it stays whole until its timer
  }
  remove(client);
  return true;
}

// ---- what comes in

bool client_transactions::receive(client_handle client, sip::message& response,
                                  const arrival& from) {
  client_transaction* const c = all_.find(client);
  if (!c && client) {
    absorb_ended(client, response);
    return true;
  }
  if (!c) return false;
  const int status = response.status();
  c->last_status_ = static_cast<std::uint16_t>(status);
  run(*c,
      status < 200   ? e::response_1xx
      : status < 300 ? e::response_2xx
                     : e::response_failure,
      &response, &from);
  return true;
}

void client_transactions::absorb_ended(client_handle ended, sip::message& response) {
  ++commons_.counters.absorbed;
  const int status = response.status();
  if (commons_.ended.kind_of(ended) != ended_kind::client_accepted || status < 200 || status >= 300)
    return;
  auto upstream = commons_.ended.way_of(ended);
  response.edit().pop_front(sip::header_id::via);
  turn_record_route(response, commons_.secret);
  if (!upstream || !response.has(sip::header_id::via)) return;
  const wire_message copy = to_wire(response);
  if (upstream->allowance != transaction::unbounded) {
    if (copy.size > upstream->allowance) {
      ++commons_.counters.withheld;
      return;
    }
    upstream->allowance -= copy.size;
    commons_.ended.set_way(ended, *upstream);
  }
  commons_.out.send(upstream->to_target(), copy, {});
}

void client_transactions::fail_to_send(client_handle client) {
  if (client_transaction* c = all_.find(client)) run(*c, e::transport_error);
}

// ---- the machine

void client_transactions::run(client_transaction& c, transaction_event event,
                              sip::message* response, const arrival* from) {
  const auto* row = machine_of(c.kind_).find(c.state_, event);
  if (!row) {
    ++commons_.counters.impossible;
    return;
  }
  const client_handle h{c.slot_, c.generation_};
  const auto actions = row->actions; // on a response, if they acknowledge it or pass it on
  const instant was_due = commons_.timers.end_of(c);
  if (actions.empty() && response) ++commons_.counters.absorbed;
  if (actions.has(a::send_request)) {
    ++commons_.counters.retransmitted;
    send_request(c);
  }
  if (actions.has(a::send_ack)) {
    // The ACK takes the place of the INVITE, which nobody sends again.
    if (response && c.state_ != state::completed)
      c.request_.keep(make_ack(c.request_.bytes(), *response));
    if (c.request_) send_request(c);
  }
  c.state_ = row->next;
  if (c.state_ == state::accepted) c.request_.drop();
  if (c.state_ == state::completed && c.kind_ == transaction_kind::client_non_invite)
    c.request_.drop();
  if (c.state_ != state::terminated) {
    commons_.timers.follow(c, actions);
    if (event == e::response_1xx && c.cancel_ == client_transaction::cancel::wanted) send_cancel(c);
  }

  client_user* const user = c.user_;
  const user_tag tag = c.tag_;
  if (c.state_ == state::terminated)
    end(c);
  else if (commons_.timers.is_over(
               c, was_due)) // the response is passed on as the last thing that it does
    run(c, expiry_of(c.kind_, c.state_));
  effects& told = commons_.out.to_tell();
  if (actions.has(a::report_timer_c)) {
    if (user)
      told.add(timer_c_fired{this, user, h, tag});
    else
      end_ringing(h);
    return;
  }
  if (!user) {
    retire_if_done(h, nullptr);
    return;
  }
  if (actions.has(a::pass_response) && response && from)
    told.add(response_arrived{user, h, tag, std::move(*response), *from});
  if (actions.has(a::report_transport_error))
    told.add(client_failed{user, h, tag, client_failure::transport_error});
  if (actions.has(a::report_timeout)) {
    ++commons_.counters.timeouts;
    told.add(client_failed{user, h, tag, client_failure::timeout});
  }
  if (actions.has(a::report_cancel_timeout)) {
    ++commons_.counters.timeouts;
    told.add(client_failed{user, h, tag, client_failure::cancel_timeout});
  }
}

void client_transactions::send_request(client_transaction& c) {
  if (c.is_bounded() && c.last_status_ == 0) {
    if (c.allowance_ < c.request_.get().size) {
      ++commons_.counters.withheld;
      return;
    }
    c.allowance_ -= c.request_.get().size;
  }
  commons_.out.send(c.to_, c.request_.get(), {c.slot_, c.generation_, origin::kind::client});
}

std::uint32_t client_transactions::lift_bound(client_handle client) noexcept {
  client_transaction* const c = all_.find(client);
  return c && c->is_bounded() ? std::exchange(c->allowance_, client_transaction::unbounded) : 0;
}

// ---- timer C and CANCEL

void client_transactions::set_timer_c(client_handle client, duration after) {
  client_transaction* c = all_.find(client);
  if (!c || c->kind_ != transaction_kind::client_invite || c->state_ != state::proceeding ||
      c->cancel_ == client_transaction::cancel::sent)
    return;
  commons_.timers.end_after(*c, after);
}

void client_transactions::end_ringing(client_handle client) {
  // A user that neither cancelled nor gave it more time is helped.
  if (const client_transaction* left = all_.find(client); left && !left->is_armed()) cancel(client);
}

void client_transactions::cancel(client_handle client, std::span<const std::string_view> reasons) {
  client_transaction* c = all_.find(client);
  if (!c || c->kind_ != transaction_kind::client_invite ||
      c->cancel_ != client_transaction::cancel::no)
    return;
  if (c->state_ != state::calling && c->state_ != state::proceeding) return;
  if (!reasons.empty())
    commons_.out.to_tell().guard([&] { // a CANCEL without its reasons still cancels
      c->cancel_reasons_ =
          std::make_unique<std::vector<std::string>>(reasons.begin(), reasons.end());
    });
  // RFC 3261 9.1: not before a provisional response, since a CANCEL may overtake its INVITE.
  c->cancel_ = client_transaction::cancel::wanted;
  if (c->state_ == state::proceeding) send_cancel(*c);
}

void client_transactions::send_cancel(client_transaction& c) {
  c.cancel_ = client_transaction::cancel::sent;
  commons_.timers.end_after(c, commons_.timers.settings().timer_cancelled);
  const auto reasons = std::move(c.cancel_reasons_);
  // Without it the INVITE ends by timer_cancelled.
  commons_.out.to_tell().guard(
      [&] { begin_cancel(c, reasons ? *reasons : std::span<const std::string>{}); });
}

void client_transactions::begin_cancel(const client_transaction& c,
                                       std::span<const std::string> reasons) {
  const auto invite = sip::message::parse(c.request_.bytes());
  const auto names = invite ? invite->key() : fail(sip::header_id::via);
  if (!names) return; // no INVITE of ours
  const wire_message request = make_cancel(*invite, reasons);
  if (!request) return;
  // RFC 3261 9.1: the branch is that of the INVITE. A transaction that nobody listens to; its
  // result comes as the response to the INVITE. It is made even at the bound, as a call must be
  // able to end.
  const client_handle h = add(transaction_kind::client_non_invite, state::trying,
                              client_key(names->branch, "CANCEL", commons_.secret), user_tag{});
  static_cast<void>(begin(h, request, c.to_, *c.request_.source()));
}

} // namespace tandem::stack

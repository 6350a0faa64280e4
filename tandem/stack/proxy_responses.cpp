// SPDX-License-Identifier: Apache-2.0
// How responses come back (RFC 3261 16.7), and what failures and silence become (16.8, 16.9).
#include <tandem/stack/proxy.hpp>

#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/proxy_tables.hpp>
#include <tandem/stack/wire.hpp>

#include <array>
#include <optional>

namespace tandem::stack {

namespace {

/// RFC 3326: phones that were rung beside the one that answered do not show a missed call.
constexpr std::array answered_elsewhere{
    std::string_view{R"(SIP;cause=200;text="Call completed elsewhere")"}};

/// So many responses of a branch wait behind one that the user holds.
constexpr std::size_t most_waiting = 8;

/// Whether its sender sends it again when it is lost: a provisional response may be lost (RFC 3261
/// 17.1.1.2) or is reliable (RFC 3262), and a 2xx to an INVITE comes until it has its ACK
/// (13.3.1.4).
bool may_be_lost(const sip::message& response, bool is_invite) {
  return response.status() < 200 || (is_invite && response.status() < 300);
}

} // namespace

void proxy::on_response(client_handle, user_tag tag, sip::message& response, const arrival& from) {
  if (tag.index == context_is_over) {
    forward_copy_of_2xx({tag.slot, tag.generation}, response);
    return;
  }
  const branch_handle h{tag.slot, tag.generation};
  proxy_branch* b = branches_.find(h);
  if (!b) return;
  const int status = response.status();
  if (status < 200) b->has_provisional = true;
  // RFC 3261 16.7 step 2: 100 does not give more time, the first one started timer C.
  if (status > 100 && status < 200)
    transactions_.set_timer_c(b->client, transactions_.timers().timer_c);
  if (b->waiting)
    hold(*b, response, from);
  else
    show(h, response, from);
}

void proxy::hold(proxy_branch& b, sip::message& response, const arrival& from) {
  if (b.waiting->size() >= most_waiting &&
      may_be_lost(response, contexts_.find(b.context)->is_invite))
    return;
  b.waiting->push_back({std::move(response), from});
}

void proxy::show(branch_handle h, sip::message& response, const arrival& from) {
  const context_handle context = branches_.find(h)->context;
  const response_context* c = contexts_.find(context);
  if (c->user->on_reply(context, c->tag, h, response, from) == reply_verdict::pass)
    return go_on(h, response);
  proxy_branch* const b = branches_.find(h);
  if (!b) return;
  b->waiting = std::make_unique<std::deque<waiting_reply>>();
  ++contexts_.find(context)->held;
}

void proxy::pass(branch_handle h, sip::message&& response) {
  proxy_branch* b = branches_.find(h);
  if (!b || !b->waiting) return;
  const context_handle context = b->context;
  // While it counts as held the context does not end, so that those behind it find it too.
  const auto behind = std::exchange(b->waiting, nullptr);
  go_on(h, response);
  for (waiting_reply& next : *behind) {
    b = branches_.find(h);
    if (!b) return;
    if (b->waiting)
      b->waiting->push_back(std::move(next));
    else
      show(h, next.response, next.from);
  }
  if (response_context* const c = contexts_.find(context)) --c->held;
  finish_if_over(context);
}

void proxy::go_on(branch_handle h, sip::message& response) {
  const proxy_branch* const b = branches_.find(h);
  response_context* const c = b ? contexts_.find(b->context) : nullptr;
  const int status = response.status();
  if (!c || status == 100) return;

  response.edit().pop_front(sip::header_id::via); // step 3
  if (!response.has(sip::header_id::via)) {
    // The peer lost the Vias below ours. The branch has ended all the same, and the caller is told
    // so in a response of our own; only a success cannot be made up.
    if (status >= 200 && b->is_pending()) note_failure(h, status < 300 ? 502 : status, nullptr);
    return;
  }
  if (status < 200) {
    // Step 5; RFC 4320 4.1: nothing but 100 on the way of other requests.
    if (!c->is_invite || c->final_status != 0 || c->is_over || !b->is_pending()) return;
    c->has_answered = true;
    answer(c->server, response, status);
  } else if (status < 300) {
    forward_success(h, response);
  } else if (b->is_pending()) {
    note_failure(h, status, &response);
  }
}

void proxy::forward_copy_of_2xx(server_handle server, sip::message& response) {
  const int status = response.status();
  if (status < 200 || status >= 300) return;
  response.edit().pop_front(sip::header_id::via);
  if (!response.has(sip::header_id::via)) return;
  const wire_message wire = to_wire(response);
  if (!transactions_.respond(server, status, wire)) transactions_.send_past(server, wire);
}

void proxy::forward_success(branch_handle branch, sip::message& response) {
  proxy_branch& b = *branches_.find(branch);
  const context_handle context = b.context;
  response_context& c = *contexts_.find(context);
  const int status = response.status();
  settle(b, status);
  if (c.final_status == 0 && !c.is_over) {
    cancel_branches(context, answered_elsewhere); // step 10
    send_final(context, status, to_wire(response));
    return;
  }
  // Step 5: every 2xx to an INVITE goes upstream, also after another one and after a failure.
  if (c.is_invite) {
    const wire_message wire = to_wire(response);
    if (!transactions_.respond(c.server, status, wire)) transactions_.send_past(c.server, wire);
  }
  finish_if_over(context);
}

void proxy::on_failure(client_handle, user_tag tag, client_failure reason) {
  if (tag.index == context_is_over) return;
  const branch_handle h{tag.slot, tag.generation};
  proxy_branch* b = branches_.find(h);
  if (!b) return;
  if (!b->is_pending()) { // timer C settled it
    finish_if_over(b->context);
    return;
  }
  if (reason != client_failure::cancel_timeout && try_next_target(h)) return;
  const response_context& c = *contexts_.find(b->context);
  if (reason == client_failure::transport_error)
    note_failure(h, 503, nullptr); // 16.9
  else
    // Silence after CANCEL: the 487 is ours (16.10).
    note_failure(h, c.is_cancelled ? 487 : 408, nullptr);
}

void proxy::on_timer_c(client_handle client, user_tag tag) {
  const branch_handle h{tag.slot, tag.generation};
  proxy_branch* b = tag.index == context_is_over ? nullptr : branches_.find(h);
  if (!b || !b->is_pending()) {
    transactions_.cancel(client);
    return;
  }
  const context_handle context = b->context;
  response_context& c = *contexts_.find(context);
  if (c.may_be_silent && c.branches == 1 && c.final_status == 0) {
    transactions_.forget(client);
    settle(*b, 408);
    c.user->on_final(context, c.tag, 0);
    drop(context);
    return;
  }
  // 16.8: cancelled, and failed for us; a 2xx that crosses the CANCEL still goes upstream.
  transactions_.cancel(client);
  note_failure(h, 408, nullptr);
}

void proxy::note_failure(branch_handle branch, int status, const sip::message* response) {
  // RFC 3263 4.3: 503 is a reason to ask the next address.
  if (status == 503 && response && try_next_target(branch)) return;
  proxy_branch& b = *branches_.find(branch);
  const context_handle context = b.context;
  response_context& c = *contexts_.find(context);
  settle(b, status);
  if (c.final_status == 0 && !c.is_over) {
    if (is_better(status, c.best_status, settings_.choice)) {
      c.best_status = static_cast<std::uint16_t>(status);
      c.best_branch = branch;
      c.best = response ? to_wire(*response) : wire_message{};
    }
    if (response && (status == 401 || status == 407)) gather_challenges(c, branch, *response);
    // Step 5: the user refuses everywhere; it goes upstream when the others have ended.
    if (status >= 600 && settings_.cancels_on_6xx) cancel_branches(context);
  }
  decide(context);
}

void proxy::gather_challenges(response_context& c, branch_handle branch,
                              const sip::message& response) {
  constexpr std::size_t most = 16;
  if (!c.challenges) c.challenges = std::make_unique<std::vector<gathered_challenge>>();
  for (const auto& line : response.headers()) {
    if (line.id != sip::header_id::www_authenticate &&
        line.id != sip::header_id::proxy_authenticate)
      continue;
    if (c.challenges->size() < most)
      c.challenges->push_back(
          {branch, line.id == sip::header_id::proxy_authenticate, std::string{line.value}});
  }
}

void proxy::settle(proxy_branch& b, int status) {
  response_context& c = *contexts_.find(b.context);
  if (b.is_pending()) --c.pending;
  b.status = static_cast<std::uint16_t>(status);
  b.detour.reset();
}

void proxy::decide(context_handle context) {
  response_context* c = contexts_.find(context);
  if (!c || c->pending > 0 || c->is_deciding) return;
  if (c->final_status != 0 || c->is_over) {
    finish_if_over(context);
    return;
  }
  if (c->best_status == 0) return;
  c->is_deciding = true;
  std::optional<sip::message> best;
  if (c->best)
    if (auto parsed = sip::message::parse(c->best.bytes())) best = std::move(*parsed);
  const auto verdict =
      c->user->on_failure(context, c->tag, c->best_status, best ? &*best : nullptr);
  if (verdict == failure_verdict::decided) conclude(context);
}

void proxy::conclude(context_handle context) {
  response_context* c = contexts_.find(context);
  if (!c || !c->is_deciding) return;
  c->is_deciding = false;
  if (c->final_status != 0 || c->is_over)
    finish_if_over(context);
  else if (c->pending == 0)
    forward_best(context);
}

void proxy::forward_best(context_handle context) {
  response_context& c = *contexts_.find(context);
  const int status = c.best_status;
  // RFC 4320 4.2: the client of another request than INVITE has timed out as well.
  if (!c.is_invite && status == 408) {
    c.user->on_final(context, c.tag, 0);
    drop(context);
    return;
  }
  // 16.7 step 6: 503 would say that this proxy is the one that is overloaded.
  const int sent = status == 503 ? 500 : status;
  const auto parsed = c.best ? sip::message::parse(c.best.bytes())
                             : result<sip::message, sip::parse_error>{sip::message{}};
  if (!parsed || !*parsed) {
    const sip::message request = answered_request(context);
    auto local = sip::write_response(request, sent, {}, transactions_.tag_for(request).view());
    if (local)
      send_final(context, sent, to_wire(std::move(*local)));
    else
      drop(context);
    return;
  }
  sip::message response = parsed->clone();
  if (sent != status) static_cast<void>(response.edit().set_status(sent, "Server Internal Error"));
  if ((status == 401 || status == 407) && c.challenges) {
    // Step 7: with the challenges of all, so that one round of credentials does for every branch.
    for (const gathered_challenge& other : *c.challenges)
      if (other.from != c.best_branch)
        static_cast<void>(response.edit().append(other.is_proxy ? sip::header_id::proxy_authenticate
                                                                : sip::header_id::www_authenticate,
                                                 other.value));
  }
  send_final(context, sent, to_wire(response));
}

void proxy::send_final(context_handle context, int status, const wire_message& response) {
  response_context& c = *contexts_.find(context);
  c.final_status = static_cast<std::uint16_t>(status);
  c.has_answered = true;
  c.request = {};
  c.arrived = {};
  c.best = {};
  c.challenges.reset();
  transactions_.respond(c.server, status, response);
  c.user->on_final(context, c.tag, status);
  finish_if_over(context);
}

void proxy::finish_if_over(context_handle context) {
  const response_context* c = contexts_.find(context);
  if (c && (c->final_status != 0 || c->is_over) && c->pending == 0 && c->held == 0 &&
      !c->is_deciding)
    finish(context);
}

void proxy::finish(context_handle context) {
  response_context& c = *contexts_.find(context);
  const server_handle server = c.server;
  bool is_needed = false;
  for_each_branch(context, [&](branch_handle h, proxy_branch& b) {
    // What may still bring a 2xx needs the server transaction to send it by.
    if (!transactions_.retire(b.client, server)) {
      transactions_.retag(b.client, {server.slot, server.generation, context_is_over});
      is_needed = true;
    }
    branches_.erase(h);
  });
  if (!is_needed) transactions_.release(server);
  c.user->on_end(context, c.tag);
  contexts_.erase(context);
}

void proxy::on_failure(server_handle, user_tag, server_failure) {
  // Nobody is left upstream to tell; the transaction ends by its timers.
}

void proxy::on_silence(server_handle server, user_tag tag) {
  const context_handle context{tag.slot, tag.generation};
  const sip::message request = answered_request(context);
  if (!request) return;
  if (auto trying = sip::write_response(request, 100, trying_text))
    transactions_.respond(server, 100, to_wire(std::move(*trying)));
}

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// How responses come back (RFC 3261 16.7), and what failures and silence become (16.8, 16.9).
#include <tandem/stack/proxy.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/proxy_tables.hpp>
#include <tandem/stack/record_route.hpp>
#include <tandem/stack/trying.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace tandem::stack {

namespace {

/// RFC 3326: phones that were rung beside the one that answered do not show a missed call.
constexpr std::array answered_elsewhere{
    std::string_view{R"(SIP;cause=200;text="Call completed elsewhere")"}};

/// So many responses of a branch wait behind one that the user holds.
constexpr std::size_t most_waiting = 8;

} // namespace

void proxy::note_answer(client_handle client, response_context* of) {
  // Whoever knows the branch has seen the request, wherever the response came from: nobody else was
  // sent this branch, and it cannot be guessed (RFC 9000 8.1).
  const client_transaction* const c = transactions_.find(client);
  if (!c || !c->is_bounded()) return;
  transactions_.out().to_tell().guard(
      [&] { answered_.note(c->to().address, transactions_.out().now()); });
  const std::uint32_t unused = transactions_.lift_bound(client);
  if (of) of->budget.give_back(unused);
}

void proxy::on_response(client_handle client, user_tag tag, sip::message& response,
                        const arrival& from) {
  if (tag.index == context_is_over) {
    forward_copy_of_2xx({tag.slot, tag.generation}, response);
    return;
  }
  const branch_handle h{tag.slot, tag.generation};
  proxy_branch* b = branches_.find(h);
  note_answer(client, b ? contexts_.find(b->context) : nullptr);
  if (!b) return;
  // TCP works: what was set aside for a datagram is there for others.
  if (const auto set_aside = std::exchange(b->reserved, 0); b->is_reserve_paid)
    contexts_.find(b->context)->budget.give_back(set_aside);
  const int status = response.status();
  if (status != 503) failed_.forget(b->to);
  // RFC 3261 16.7 step 2: 100 does not give more time, the first one started timer C.
  if (status > 100 && status < 200)
    transactions_.set_timer_c(b->client, transactions_.timers().timer_c);
  put_up(h, std::move(response), from);
}

void proxy::put_up(branch_handle h, sip::message&& response, const arrival& from) {
  // While it counts as held the context does not end, so that the response finds it.
  ++contexts_.find(branches_.find(h)->context)->held;
  transactions_.out().to_tell().add(reply_arrived{this, h, std::move(response), from});
}

void proxy::show(branch_handle h, sip::message& response, const arrival& from) {
  proxy_branch* const b = branches_.find(h);
  if (!b) return;
  const context_handle context = b->context;
  if (b->is_held) {
    hold(h, response, from);
    return;
  }
  const response_context& c = *contexts_.find(context);
  const int status = response.status();
  const std::size_t size = response.held_bytes();
  b->is_held = true;
  auto verdict = reply_verdict::pass;
  transactions_.out().to_tell().guard(
      [&] { verdict = c.user->on_reply(context, c.tag, h, response, from); });
  if (verdict == reply_verdict::later) {
    // Its program waits, and keeps it.
    proxy_branch* const waiting = branches_.find(h);
    if (!waiting || !waiting->is_held) return;
    waiting->held.name(contexts_.find(context)->request.source());
    waiting->held.set(size);
    return;
  }
  b->is_held = false;
  if (response)
    take(h, response);
  else // nothing came back from the user
    lose(h, status);
  let_go(context);
}

void proxy::hold(branch_handle h, sip::message& response, const arrival& from) {
  proxy_branch& b = *branches_.find(h);
  const context_handle context = b.context;
  const int status = response.status();
  // The first final response always finds its place, in number and in bytes: the callee may be in
  // the call. What it repeats comes again (RFC 3261 13.3.1.4).
  const auto is_superfluous = [&](const std::deque<waiting_reply>& behind) {
    return behind.size() >= most_waiting &&
           (status < 200 || std::any_of(behind.begin(), behind.end(), [](const waiting_reply& r) {
              return r.response.status() >= 200;
            }));
  };
  kept_source& payer = *contexts_.find(context)->request.source();
  kept_charge charge;
  charge.name(&payer);
  const std::size_t size = response.held_bytes();
  if (b.behind && is_superfluous(*b.behind)) {
    transactions_.note_full(most_waiting, "responses of a branch that wait for a program");
  } else if (status < 200 && !charge.try_set(size)) {
    transactions_.note_out_of_bytes(payer);
  } else {
    charge.set(size);
    bool is_kept = false;
    transactions_.out().to_tell().guard([&] {
      if (!b.behind) b.behind = std::make_unique<std::deque<waiting_reply>>();
      b.behind->push_back({std::move(response), from, std::move(charge)});
      is_kept = true;
    });
    if (!is_kept) lose(h, status);
  }
  let_go(context);
}

void proxy::take(branch_handle h, sip::message& response) {
  const int status = response.status();
  bool is_done = false;
  transactions_.out().to_tell().guard([&] {
    go_on(h, response);
    is_done = true;
  });
  if (!is_done) lose(h, status);
}

/// Memory ran out for a response. Its branch has failed, though a 2xx that comes once more still
/// goes upstream.
void proxy::lose(branch_handle h, int status) {
  const proxy_branch* const b = branches_.find(h);
  if (b && b->is_pending() && status >= 200) note_failure(h, 500, nullptr);
}

void proxy::pass(branch_handle h, sip::message&& response) {
  proxy_branch* const b = branches_.find(h);
  if (!b || !b->is_held) return;
  const context_handle context = b->context;
  b->is_held = false;
  b->held.name(nullptr);
  take(h, response);
  if (const auto behind = std::exchange(b->behind, nullptr))
    for (waiting_reply& next : *behind) put_up(h, std::move(next.response), next.from);
  let_go(context);
}

void proxy::let_go(context_handle context) {
  --contexts_.find(context)->held;
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
  turn_record_route(response, transactions_.secret()); // step 8
  if (status < 200) {
    // Step 5; RFC 4320 4.1: nothing but 100 on the way of other requests.
    if (!c->is_invite || !c->is_open() || !b->is_pending()) return;
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
  turn_record_route(response, transactions_.secret());
  const wire_message wire = to_wire(response);
  if (!transactions_.respond(server, status, wire)) transactions_.send_past(server, wire);
}

void proxy::forward_success(branch_handle branch, sip::message& response) {
  proxy_branch& b = *branches_.find(branch);
  const int status = response.status();
  const wire_message wire = to_wire(response); // first: it may throw
  settle(b, status);
  step(b.context, response_event::succeeded,
       {.branch = branch, .status = status, .message = &wire, .reasons = answered_elsewhere});
}

/// RFC 3261 16.9: as if 503 came. RFC 5626 5.3: where the way was a connection that is gone, nobody
/// is overloaded; who is within a dialog may restore it, and who begins one may try again later.
int proxy::status_without_way(const proxy_branch& branch, const response_context& of) noexcept {
  if (!branch.is_by_flow) return 503;
  return of.is_in_dialog ? 430 : 480;
}

void proxy::on_failure(client_handle, user_tag tag, client_failure reason) {
  if (tag.index == context_is_over) return;
  const branch_handle h{tag.slot, tag.generation};
  proxy_branch* b = branches_.find(h);
  if (!b) return;
  if (!b->is_pending()) return finish_if_over(b->context); // timer C settled it
  if (reason != client_failure::cancel_timeout) {
    note_failed_server(*b);
    if (try_next_target(h)) return;
  }
  const response_context& c = *contexts_.find(b->context);
  if (reason == client_failure::transport_error)
    note_failure(h, status_without_way(*b, c), nullptr);
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
  const response_context& c = *contexts_.find(context);
  if (c.may_be_silent && c.branches == 1 && c.is_open()) {
    transactions_.forget(client);
    settle(*b, 408);
    step(context, response_event::gave_up);
    return;
  }
  // 16.8: cancelled, and failed for us; a 2xx that crosses the CANCEL still goes upstream.
  transactions_.cancel(client);
  note_failure(h, 408, nullptr);
}

void proxy::note_failure(branch_handle branch, int status, const sip::message* response) {
  // RFC 3263 4.3: 503 is a reason to ask the next address.
  if (status == 503 && response) {
    const auto later = response->get<sip::hdr::retry_after>();
    note_failed_server(*branches_.find(branch), seconds{later ? later->seconds : 0});
    if (try_next_target(branch)) return;
  }
  proxy_branch& b = *branches_.find(branch);
  response_context& c = *contexts_.find(b.context);
  const bool is_best = is_better(status, c.best_status, settings_.choice);
  const wire_message kept = response && is_best ? to_wire(*response) : wire_message{}; // may throw
  settle(b, status);
  if (c.is_open() && response && (status == 401 || status == 407)) // the best one has its own
    transactions_.out().to_tell().guard([&] { gather_challenges(c, branch, *response); });
  // Step 5: the user refuses everywhere; it goes upstream when the others have ended.
  if (c.is_open() && status >= 600 && settings_.cancels_on_6xx) cancel_branches(b.context);
  step(b.context, c.pending > 0 ? response_event::branch_failed : response_event::all_failed,
       {.branch = branch, .status = status, .message = &kept});
}

void proxy::gather_challenges(response_context& c, branch_handle branch,
                              const sip::message& response) {
  constexpr std::size_t most = 16;
  if (!c.challenges) c.challenges = std::make_unique<std::vector<gathered_challenge>>();
  for (const auto& line : response.headers()) {
    if (line.id != sip::header_id::www_authenticate &&
        line.id != sip::header_id::proxy_authenticate)
      continue;
    if (c.challenges->size() >= most) continue;
    c.gathered.add(line.value.size());
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

// ---- the machine

bool proxy::step(context_handle context, response_event event, const response_input& input) {
  response_context* const c = contexts_.find(context);
  const auto* const row = c ? response_machine().find(c->state, event) : nullptr;
  if (!row) {
    if (c && !may_come_too_late(event)) transactions_.note_impossible();
    return false;
  }
  c->state = row->next;
  using action = response_action;
  if (row->actions.has(action::keep_failure)) keep_failure(*c, input);
  if (row->actions.has(action::cancel_branches)) cancel_branches(context, input.reasons);
  if (row->actions.has(action::send_final)) send_final(context, input.status, *input.message);
  if (row->actions.has(action::send_more) && c->is_invite) send_more(c->server, input);
  if (row->actions.has(action::tell_silence))
    transactions_.out().to_tell().add(context_answered{c->user, context, c->tag, 0});
  if (row->actions.has(action::abandon)) transactions_.abandon(c->server);
  if (row->actions.has(action::show_failure)) {
    c->is_asked = true;
    ++c->held;
    transactions_.out().to_tell().add(branches_failed{this, context});
  }
  finish_if_over(context);
  return true;
}

void proxy::keep_failure(response_context& c, const response_input& input) {
  if (!is_better(input.status, c.best_status, settings_.choice)) return;
  c.best_status = static_cast<std::uint16_t>(input.status);
  c.best_branch = input.branch;
  // What cannot be kept cannot go upstream: the failure is ours then, of the same weight (RFC 3261
  // 16.7 step 6).
  if (c.best.try_keep(input.message ? *input.message : wire_message{})) return;
  transactions_.note_out_of_bytes(*c.best.source());
  c.best_status = input.status >= 600 ? 600 : 500;
}

void proxy::send_final(context_handle context, int status, const wire_message& response) {
  response_context& c = *contexts_.find(context);
  c.final_status = static_cast<std::uint16_t>(status);
  c.has_answered = true;
  c.request.drop();
  c.arrived.drop();
  c.best.drop();
  c.challenges.reset();
  c.gathered.set(0);
  transactions_.respond(c.server, status, response);
  transactions_.out().to_tell().add(context_answered{c.user, context, c.tag, status});
}

void proxy::send_more(server_handle server, const response_input& success) {
  if (!transactions_.respond(server, success.status, *success.message))
    transactions_.send_past(server, *success.message);
}

// ---- the user is asked about a failure

void proxy::show_failure(context_handle context) {
  const response_context* const c = contexts_.find(context);
  if (!c || !c->is_asked) return;
  // Answered, or forwarded once more, meanwhile.
  if (c->state != response_state::deciding || c->pending > 0) return conclude(context);
  auto verdict = failure_verdict::decided;
  transactions_.out().to_tell().guard([&] {
    std::optional<sip::message> best;
    if (c->best)
      if (auto parsed = sip::message::parse(c->best.bytes())) best = std::move(*parsed);
    verdict = c->user->on_failure(context, c->tag, c->best_status, best ? &*best : nullptr);
  });
  if (verdict == failure_verdict::decided) conclude(context);
}

void proxy::conclude(context_handle context) {
  response_context* const c = contexts_.find(context);
  if (!c || !c->is_asked) return;
  c->is_asked = false;
  if (c->state == response_state::deciding) {
    if (c->pending > 0) step(context, response_event::user_forwards);
    // RFC 4320 4.2: the client of another request than INVITE has timed out as well.
    else if (!c->is_invite && c->best_status == 408)
      step(context, response_event::user_is_still);
    else
      pass_best(context);
  }
  let_go(context);
}

void proxy::pass_best(context_handle context) {
  const response_context& c = *contexts_.find(context);
  // 16.7 step 6: 503 would say that this proxy is the one that is overloaded.
  const int status = c.best_status == 503 ? 500 : c.best_status;
  wire_message best;
  transactions_.out().to_tell().guard([&] { best = best_response(context, status); });
  if (best)
    step(context, response_event::user_passes, {.status = status, .message = &best});
  else // silence is all that is left
    step(context, response_event::dropped);
}

wire_message proxy::best_response(context_handle context, int status) {
  const response_context& c = *contexts_.find(context);
  const auto parsed = c.best ? sip::message::parse(c.best.bytes())
                             : result<sip::message, sip::parse_error>{sip::message{}};
  if (!parsed || !*parsed) {
    const sip::message request = answered_request(context);
    auto local = sip::write_response(request, status, {}, transactions_.tag_for(request).view());
    return local ? to_wire(std::move(*local)) : wire_message{};
  }
  sip::message response = parsed->clone();
  if (status != c.best_status)
    static_cast<void>(response.edit().set_status(status, "Server Internal Error"));
  if ((status == 401 || status == 407) && c.challenges) {
    // Step 7: with the challenges of all, so that one round of credentials does for every branch.
    for (const gathered_challenge& other : *c.challenges)
      if (other.from != c.best_branch)
        static_cast<void>(response.edit().append(other.is_proxy ? sip::header_id::proxy_authenticate
                                                                : sip::header_id::www_authenticate,
                                                 other.value));
  }
  return to_wire(response);
}

// ---- the end

void proxy::finish_if_over(context_handle context) {
  const response_context* c = contexts_.find(context);
  if (c && !c->is_open() && c->pending == 0 && c->held == 0) finish(context);
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
  transactions_.out().to_tell().add(context_ended{c.user, context, c.tag});
  contexts_.erase(context);
}

void proxy::on_failure(server_handle, user_tag, server_failure) {
  // Nobody is left upstream to tell; the transaction ends by its timers.
}

void proxy::on_silence(server_handle server, user_tag tag) {
  const context_handle context{tag.slot, tag.generation};
  const sip::message request = answered_request(context);
  if (!request) return;
  if (const auto trying = make_trying(request)) transactions_.respond(server, 100, trying);
}

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// How a request goes out (RFC 3261 16.6), is answered by ourselves, and is cancelled (16.10).
#include <tandem/stack/proxy.hpp>

#include <tandem/base/random.hpp>
#include <tandem/base/source_network.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/proxy_tables.hpp>
#include <tandem/stack/record_route.hpp>
#include <tandem/stack/stateless_answer.hpp>
#include <tandem/stack/stateless_return.hpp>
#include <tandem/stack/trying.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <iterator>

namespace tandem::stack {

proxy::proxy(transaction_layer& transactions, const proxy_settings& settings)
    : transactions_{transactions}, settings_{settings} {}

result<context_handle, transaction_errc> proxy::create(const sip::message& request,
                                                       const arrival& from,
                                                       const routing_id& routing, proxy_user& user,
                                                       user_tag tag) {
  context_handle h;
  result<server_handle, transaction_errc> server = fail(transaction_errc::full);
  transactions_.out().to_tell().guard([&] {
    h = contexts_.emplace();
    server = transactions_.create_server(request, from, *this, {h.slot, h.generation, 0});
  });
  if (!server) {
    contexts_.erase(h);
    return fail(server.error());
  }
  response_context& c = *contexts_.find(h);
  c.server = *server;
  kept_source* const source = transactions_.find(*server)->source();
  for (kept_message* const kept : {&c.request, &c.arrived, &c.best}) kept->name(source);
  c.gathered.name(source);
  c.user = &user;
  c.tag = tag;
  c.routing = routing;
  c.is_invite = request.method() == sip::method::invite;
  c.is_in_dialog = !request.to_tag().empty();
  c.budget = reflection_budget{request.received_bytes().size()};
  return h;
}

result<unsigned, forward_errc> proxy::relay(context_handle context, const sip::message& request,
                                            std::span<const forward_to> ways,
                                            const relay_terms& terms) {
  response_context* c = contexts_.find(context);
  if (!c || !c->is_open() || ways.empty()) return fail(forward_errc::gone);
  if (terms.answers_to) c->arrived.keep(to_wire(*terms.answers_to));
  c->may_be_silent = terms.may_be_silent;
  if (c->is_cancelled) return fail(forward_errc::cancelled);
  if (is_loop(request, c->routing)) return fail(forward_errc::loop);
  if (c->branches + ways.size() > settings_.max_branches)
    return fail(forward_errc::too_many_branches);
  const breadth all = breadth::of(request, settings_.max_breadth);
  if (all.whole < ways.size()) return fail(forward_errc::breadth);
  result<unsigned, forward_errc> sent = fail(forward_errc::full);
  transactions_.out().to_tell().guard(
      [&] { sent = relay_all(context, request, ways, terms.hops, all.share(ways.size())); });
  return sent;
}

result<unsigned, forward_errc> proxy::relay_all(context_handle context, const sip::message& request,
                                                std::span<const forward_to> ways, hop_count hops,
                                                unsigned share) {
  response_context* const c = contexts_.find(context);
  const auto counted = copy_of(request, hops);
  if (!counted) return fail(counted.error());

  c->request.drop();
  if (c->is_invite && !c->has_answered) {
    const sip::message arrived = c->arrived ? answered_request(context) : sip::message{};
    if (const auto trying = make_trying(arrived ? arrived : request))
      transactions_.respond(c->server, 100, trying);
    c->has_answered = true;
  }
  unsigned sent = 0;
  forward_errc first_error{};
  for (const forward_to& way : ways) c->budget.add(way.paid);
  std::size_t left = ways.size();
  for (const forward_to& way : ways) {
    const auto added = add_branch(context, *counted, way, share, left--);
    if (added)
      ++sent;
    else if (sent == 0)
      first_error = added.error();
  }
  if (!c->request) keep(context, *counted);
  if (sent == 0) return fail(first_error);
  return sent;
}

result<void, forward_errc> proxy::add_branch(context_handle context, const sip::message& request,
                                             const forward_to& way, unsigned share,
                                             std::size_t ways_left) {
  if (way.targets.empty()) return fail(forward_errc::no_listener);
  std::vector<target> sorted;
  const std::span<const target> targets = in_trying_order(way.targets, sorted);
  response_context& c = *contexts_.find(context);
  sip::message copy = request.clone();
  const auto change = address_copy(copy, way, share);
  if (!change) return fail(change.error());

  const branch_handle h = branches_.emplace();
  proxy_branch& b = *branches_.find(h);
  b.context = context;
  b.named = way.named;
  b.is_by_flow = targets.back().flow && is_reliable(targets.back().transport);
  const auto share_of = [&](std::size_t addresses) {
    return reflection_share{c.budget, ways_left + addresses - 1, way.named, context};
  };
  result<sent_copy, forward_errc> sent = fail(forward_errc::full);
  transactions_.out().to_tell().guard([&] {
    const branch_text branch = new_branch(c.routing, c.clients);
    leaving_marks marks = marks_of(branch, way.recorded);
    if (targets.size() > 1) marks.others = other_addresses::some;
    sent = send(copy, targets.front(), marks, {h.slot, h.generation, 0}, share_of(targets.size()));
  });
  if (!sent) {
    branches_.erase(h);
    return fail(sent.error());
  }
  // What goes to TCP for its size may have to go by UDP after all, when the other ways have taken
  // theirs: its share is set aside now.
  if (sent->request.to.transport != targets.front().transport &&
      is_unproven(targets.front(), way.named)) {
    const std::size_t left = c.budget.left();
    b.reserved = allow(share_of(targets.size()), targets.front(), sent->request.message.size);
    b.is_reserve_paid = c.budget.left() != left;
  }
  ++c.branches;
  ++c.clients;
  b.client = sent->client;
  b.to = sent->request.to;
  b.next = std::exchange(c.first_branch, h);
  ++c.pending;
  // A branch that differs from the request by our Via alone keeps it for both.
  if (!c.request && *change == copy_change::none && !sent->request.is_recorded_apart) {
    c.request.keep(sent->request.message);
    c.request_has_via = true;
  }

  // Without memory it has gone out all the same, and there is no other way.
  transactions_.out().to_tell().guard([&] {
    b.detour = detour_of(targets, way.recorded, std::move(sent->request), c.request.source());
  });
  return {};
}

std::unique_ptr<branch_detour> proxy::detour_of(std::span<const target> targets,
                                                const recorded_entry* recorded,
                                                leaving_request&& sent, kept_source* account) {
  const bool went_to_tcp = sent.to.transport != targets.front().transport;
  if (targets.size() == 1 && !went_to_tcp) return nullptr;
  auto detour = std::make_unique<branch_detour>();
  detour->left.reserve(targets.size());
  detour->left.assign(targets.rbegin(), targets.rend() - 1);
  // RFC 3261 18.1.1: a request that went to TCP for its size goes by UDP again when TCP is refused.
  if (went_to_tcp) {
    detour->left.push_back(targets.front());
    detour->left.back().choice = transport_choice::fixed;
  }
  if (recorded) detour->recorded = *recorded;
  detour->has_via = !sent.addressed;
  detour->request.name(account);
  detour->request.keep(std::move(sent.addressed ? sent.addressed : sent.message));
  return detour;
}

std::span<const target> proxy::in_trying_order(std::span<const target> targets,
                                               std::vector<target>& sorted) {
  const auto all = reachable(transactions_.out(), targets);
  const instant now = transactions_.out().now();
  const auto has_failed = [&](const target& to) { return failed_.contains(to, now); };
  if (all.size() < 2 || failed_.size() == 0 || std::none_of(all.begin(), all.end(), has_failed))
    return all;
  sorted.reserve(all.size());
  std::remove_copy_if(all.begin(), all.end(), std::back_inserter(sorted), has_failed);
  std::copy_if(all.begin(), all.end(), std::back_inserter(sorted), has_failed);
  return reachable(transactions_.out(), sorted);
}

void proxy::note_failed_server(const proxy_branch& branch, duration retry_after) {
  transactions_.out().to_tell().guard(
      [&] { failed_.note(branch.to, transactions_.out().now(), retry_after); });
}

bool proxy::try_next_target(branch_handle branch) {
  bool is_sent = false;
  transactions_.out().to_tell().guard([&] { is_sent = send_to_next_target(branch); });
  return is_sent;
}

bool proxy::send_to_next_target(branch_handle branch) {
  proxy_branch* b = branches_.find(branch);
  if (!b || !b->detour || b->detour->left.empty()) return false;
  response_context* c = contexts_.find(b->context);
  if (!c || c->is_cancelled || !c->is_open()) return false;
  while (!b->detour->left.empty()) {
    const target to = b->detour->left.back();
    b->detour->left.pop_back();
    auto copy = sip::message::parse(b->detour->request.bytes());
    if (!copy) return false;
    if (b->detour->has_via) copy->edit().pop_front(sip::header_id::via);
    // RFC 3263 4.3: a new transaction, so another branch parameter.
    const branch_text tried = new_branch(c->routing, c->clients++);
    leaving_marks marks = marks_of(tried, b->detour->recorded ? &*b->detour->recorded : nullptr);
    if (b->detour->has_via) marks.others = other_addresses::some;
    auto sent = send(*copy, to, marks, {branch.slot, branch.generation, 0},
                     {.of = c->budget,
                      .ways = b->detour->left.size() + 1,
                      .named = b->named,
                      .context = b->context,
                      .reserved = is_reliable(to.transport) ? 0 : std::exchange(b->reserved, 0)});
    if (!sent) continue;
    transactions_.release(b->client);
    b->client = sent->client;
    b->to = sent->request.to;
    // What was addressed stays as it is for the next one.
    if (b->detour->has_via) {
      leaving_request& last = sent->request;
      b->detour->has_via = !last.addressed;
      b->detour->request.keep(std::move(last.addressed ? last.addressed : last.message));
    }
    return true;
  }
  return false;
}

branch_text proxy::new_branch(const routing_id& routing, unsigned index) const {
  return make_branch(routing, random_bits(), index, transactions_.out().shard());
}

leaving_marks proxy::marks_of(const branch_text& branch, const recorded_entry* recorded) const {
  return {.branch = branch.view(),
          .rport = settings_.asks_rport ? via_rport::asked : via_rport::unasked,
          .recorded = recorded,
          .secret = transactions_.secret()};
}

result<proxy::sent_copy, forward_errc> proxy::send(sip::message& copy, const target& to,
                                                   const leaving_marks& marks, user_tag tag,
                                                   const reflection_share& share) {
  auto leaving = write_copy(copy, to, marks, transactions_.out());
  if (!leaving) return fail(leaving.error());
  std::uint32_t allowance = client_transaction::unbounded;
  if (is_unproven(leaving->to, share.named)) {
    allowance = allow(share, leaving->to, leaving->message.size);
    if (allowance == 0) {
      transactions_.note_withheld();
      return fail(forward_errc::unanswered);
    }
  }
  const response_context* const of = contexts_.find(share.context);
  const auto client =
      transactions_.create_client(copy.method_text(), marks.branch, leaving->message, leaving->to,
                                  *this, tag, allowance, of ? of->request.source() : nullptr);
  if (!client) return fail(forward_errc::full);
  return sent_copy{*client, std::move(*leaving)};
}

std::uint32_t proxy::allow(const reflection_share& share, const target& to, std::size_t copy) {
  // The branch parameter of another try may be a digit longer.
  if (share.reserved != 0) return std::max(share.reserved, static_cast<std::uint32_t>(copy));
  if (const auto paid = share.of.take(copy, share.ways); paid != 0) return paid;
  const bool is_lent = share.of.may_lend(copy) && is_first_there(share.context, to.address.ip) &&
                       lend(share.context, to.address.ip, copy);
  return is_lent ? static_cast<std::uint32_t>(copy) : 0;
}

bool proxy::lend(context_handle context, const ip_address& to, std::size_t copy) {
  const kept_source* const source = contexts_.find(context)->request.source();
  bool is_lent = false; // nor without memory
  transactions_.out().to_tell().guard([&] {
    is_lent =
        loans_.take(copy, source ? source->network() : ip_address{}, to, transactions_.out().now());
  });
  return is_lent;
}

bool proxy::is_first_there(context_handle context, const ip_address& ip) {
  const response_context* const c = contexts_.find(context);
  // Of branches that have ended nobody knows where they went.
  if (!c || c->branches != c->pending) return false;
  bool is_first = true;
  for_each_branch(context, [&](branch_handle, const proxy_branch& b) {
    const client_transaction* const client = transactions_.find(b.client);
    is_first &= client && source_network(client->to().address.ip) != source_network(ip);
  });
  return is_first;
}

bool proxy::is_unproven(const target& to, named_by named) const noexcept {
  return named == named_by::stranger && !is_reliable(to.transport) &&
         !answered_.contains(to.address, transactions_.out().now());
}

void proxy::forgo_credit(context_handle context) noexcept {
  if (response_context* const c = contexts_.find(context)) c->budget = {};
}

void proxy::keep(context_handle context, const sip::message& request,
                 const sip::message* answers_to) {
  response_context* c = contexts_.find(context);
  if (!c) return;
  if (answers_to) c->arrived.keep(to_wire(*answers_to));
  c->request.keep(to_wire(request));
  c->request_has_via = false;
}

sip::message proxy::request_of(context_handle context) {
  const response_context* c = contexts_.find(context);
  if (!c || !c->request) return {};
  auto request = sip::message::parse(c->request.bytes());
  if (!request) return {};
  if (c->request_has_via) request->edit().pop_front(sip::header_id::via);
  return std::move(*request);
}

sip::message proxy::answered_request(context_handle context) {
  const response_context* const c = contexts_.find(context);
  if (!c || !c->arrived) return request_of(context);
  auto arrived = sip::message::parse(c->arrived.bytes());
  return arrived ? std::move(*arrived) : sip::message{};
}

void proxy::answer(server_handle server, const sip::message& response, int status) {
  transactions_.respond(server, status, to_wire(response));
}

bool proxy::respond(context_handle context, int status, const wire_message& response) {
  response_context* c = contexts_.find(context);
  if (status >= 200)
    return step(context, response_event::user_answers, {.status = status, .message = &response});
  if (!c || !c->is_open()) return false;
  c->has_answered = true;
  return transactions_.respond(c->server, status, response);
}

bool proxy::reply(context_handle context, int status, std::string_view reason) {
  const sip::message request = answered_request(context);
  if (!request) return false;
  auto response =
      sip::write_response(request, status, reason, transactions_.tag_for(request).view());
  return response && respond(context, status, to_wire(std::move(*response)));
}

bool proxy::cancel(server_handle invite, const sip::message& cancel, const arrival& from) {
  const context_handle context = context_of(invite);
  const response_context* c = contexts_.find(context);
  const bool is_pending = c && c->is_open();
  // RFC 3326 2: its reasons go along, all of them.
  boost::container::small_vector<std::string_view, 4> reasons;
  for (std::size_t i = cancel.find(sip::header_id::reason); i != sip::message::npos;
       i = cancel.find(sip::header_id::reason, i + 1))
    reasons.push_back(cancel.value(i));
  auto made =
      begin_answer(cancel, 200, is_pending ? "cancelling" : "ok -- no more pending branches",
                   transactions_.secret());
  if (const auto response = finish_answer(made, cancel, from, transactions_.secret())) {
    // RFC 3261 9.2: answered in a transaction of its own, at the bound without one.
    if (const auto server = transactions_.create_server(cancel, from, *this, {})) {
      transactions_.respond(*server, made.status(), response);
      transactions_.release(*server);
    } else {
      send_stateless(transactions_.out(), cancel, from, response);
    }
  }
  if (is_pending) cancel_branches(context, reasons);
  if (is_pending) {
    response_context& left = *contexts_.find(context);
    left.is_cancelled = true;
    // Nothing was forwarded: the 487 is ours.
    if (left.pending == 0 && left.state == response_state::collecting)
      step(context, response_event::all_failed, {.status = 487});
  }
  return true;
}

void proxy::cancel_branches(context_handle context, std::span<const std::string_view> reasons) {
  for_each_branch(context, [&](branch_handle, proxy_branch& b) {
    if (b.is_pending()) transactions_.cancel(b.client, reasons);
  });
}

void proxy::drop(context_handle context) { step(context, response_event::dropped); }

result<void, forward_errc> proxy::forward_stateless(const sip::message& request,
                                                    const arrival& from, const forward_to& way,
                                                    const routing_id& routing, hop_count hops) {
  if (way.targets.empty()) return fail(forward_errc::no_listener);
  if (is_loop(request, routing)) return fail(forward_errc::loop);
  auto copy = copy_of(request, hops);
  if (!copy) return fail(copy.error());
  if (const auto done = address_copy(*copy, way, 0); !done) return fail(done.error());
  outbox& out = transactions_.out();
  const hash_key& secret = transactions_.secret();
  const branch_text branch = make_stateless_branch(request, routing, secret, out.shard());
  leaving_marks marks = marks_of(branch, way.recorded);
  stateless_return back;
  if (request.method() != sip::method::ack) // which nobody answers
    back = stateless_return{from, branch.view(), secret};
  marks.way_back = back.view();
  std::vector<target> sorted;
  const auto leaving = write_copy(*copy, in_trying_order(way.targets, sorted).front(), marks, out);
  if (!leaving) return fail(leaving.error());
  if (is_unproven(leaving->to, way.named) &&
      leaving->message.size > most_reflected * request.received_bytes().size())
    return fail(forward_errc::unanswered);
  out.send(leaving->to, leaving->message, {});
  return {};
}

bool proxy::forward_stray(sip::message& response) {
  if (!is_stateless_response(response, transactions_.secret())) return false;
  const auto ours = response.get<sip::hdr::via>();
  const auto flow = ours ? stateless_return::flow_of(*ours, transactions_.secret()) : std::nullopt;
  response.edit().pop_front(sip::header_id::via);
  const auto via = response.get<sip::hdr::via>();
  auto to = via ? response_target(*via) : std::nullopt;
  if (!to) return false;
  if (flow) {
    to->flow = *flow;
    to->may_reconnect = is_reliable(to->transport);
  }
  turn_record_route(response, transactions_.secret());
  transactions_.out().send(*to, to_wire(response), {});
  return true;
}

result<void, forward_errc> proxy::replicate(const sip::message& request, const forward_to& way,
                                            const routing_id& routing, hop_count hops) {
  if (way.targets.empty()) return fail(forward_errc::no_listener);
  auto copy = copy_of(request, hops);
  if (!copy) return fail(copy.error());
  if (const auto done = address_copy(*copy, way, 0); !done) return fail(done.error());
  std::vector<target> sorted;
  const target& to = in_trying_order(way.targets, sorted).front();
  const branch_text branch = new_branch(routing, 0);
  const leaving_marks marks = marks_of(branch, way.recorded);
  if (request.method() == sip::method::ack) {
    // RFC 3261 17.1.1.3: nothing answers an ACK, so it is no transaction and is not repeated.
    const auto leaving = write_copy(*copy, to, marks, transactions_.out());
    if (!leaving) return fail(leaving.error());
    transactions_.out().send(leaving->to, leaving->message, {});
    return {};
  }
  reflection_budget budget{request.received_bytes().size()};
  const auto sent = send(*copy, to, marks, {}, {budget, 1, way.named});
  if (!sent) return fail(sent.error());
  transactions_.release(sent->client);
  return {};
}

const response_context* proxy::find(context_handle context) noexcept {
  return contexts_.find(context);
}

context_handle proxy::context_of(server_handle server) noexcept {
  const server_transaction* s = transactions_.find(server);
  if (!s) return {};
  const context_handle h{s->tag().slot, s->tag().generation};
  const response_context* c = contexts_.find(h);
  return c && c->server == server ? h : context_handle{};
}

bool proxy::has_unanswered() {
  bool is_any = false;
  contexts_.for_each([&](context_handle, const response_context& c) { is_any |= c.is_open(); });
  return is_any;
}

} // namespace tandem::stack

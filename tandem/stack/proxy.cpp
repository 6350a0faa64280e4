// SPDX-License-Identifier: Apache-2.0
// How a request goes out (RFC 3261 16.6), is answered by ourselves, and is cancelled (16.10).
#include <tandem/stack/proxy.hpp>

#include <tandem/base/decimal.hpp>
#include <tandem/base/random.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/proxy_tables.hpp>
#include <tandem/stack/route_rules.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <array>
#include <cstring>

namespace tandem::stack {

namespace {

bool set_uri(sip::message& request, std::string_view uri) {
  return uri == request.request_uri() || request.set_request_uri(uri).has_value();
}

} // namespace

int status_of(forward_errc errc) noexcept {
  switch (errc) {
  case forward_errc::gone:
  case forward_errc::cancelled: return 0;
  case forward_errc::loop: return 482;
  case forward_errc::too_many_branches: return 500;
  case forward_errc::breadth: return 440;
  case forward_errc::full: return 503;
  case forward_errc::bad_uri: return 400;
  case forward_errc::no_listener: return 478;
  case forward_errc::too_large: break;
  }
  return 513;
}

proxy::proxy(transaction_layer& transactions, const proxy_settings& settings)
    : transactions_{transactions}, settings_{settings} {}

result<context_handle, transaction_errc> proxy::create(const sip::message& request,
                                                       const arrival& from, std::uint64_t routing,
                                                       proxy_user& user, user_tag tag) {
  const context_handle h = contexts_.emplace();
  const auto server = transactions_.create_server(request, from, *this, {h.slot, h.generation, 0});
  if (!server) {
    contexts_.erase(h);
    return fail(server.error());
  }
  response_context& c = *contexts_.find(h);
  c.server = *server;
  c.user = &user;
  c.tag = tag;
  c.routing = routing;
  c.unique = random_bits();
  c.is_invite = request.method() == sip::method::invite;
  return h;
}

result<unsigned, forward_errc> proxy::relay(context_handle context, const sip::message& request,
                                            std::span<const forward_to> ways) {
  response_context* c = contexts_.find(context);
  if (!c || c->final_status != 0 || c->is_over || ways.empty()) return fail(forward_errc::gone);
  if (c->is_cancelled) return fail(forward_errc::cancelled);
  if (is_loop(request, c->routing)) return fail(forward_errc::loop);
  if (c->branches + ways.size() > settings_.max_branches)
    return fail(forward_errc::too_many_branches);

  // RFC 5393 5.3.3: the branches share the breadth of the request. Deviates: a request without
  // Max-Breadth that goes one way only is left without.
  const auto named = request.first(sip::header_id::max_breadth);
  const unsigned breadth =
      named ? parse_number<unsigned>(trim(*named)).value_or(settings_.max_breadth)
            : settings_.max_breadth;
  if (breadth < ways.size()) return fail(forward_errc::breadth);
  const bool tells_breadth = named || ways.size() > 1;
  const unsigned share = tells_breadth ? breadth / static_cast<unsigned>(ways.size()) : 0;

  c->request = {};
  if (c->is_invite && !c->has_answered) {
    const sip::message arrived = c->arrived ? answered_request(context) : sip::message{};
    if (auto trying = sip::write_response(arrived ? arrived : request, 100, trying_text))
      transactions_.respond(c->server, 100, to_wire(std::move(*trying)));
    c->has_answered = true;
  }
  unsigned sent = 0;
  forward_errc first_error{};
  for (const forward_to& way : ways) {
    const auto added = add_branch(context, request, way, share);
    if (added)
      ++sent;
    else if (sent == 0)
      first_error = added.error();
  }
  if (!contexts_.find(context)->request) keep(context, request);
  if (sent == 0) return fail(first_error);
  return sent;
}

result<void, forward_errc> proxy::add_branch(context_handle context, const sip::message& request,
                                             const forward_to& way, unsigned breadth) {
  if (way.targets.empty()) return fail(forward_errc::no_listener);
  const std::span<const target> targets = reachable(transactions_.out(), way.targets);
  response_context& c = *contexts_.find(context);
  sip::message copy = way.as ? way.as->clone() : request.clone();
  if (!set_uri(copy, way.uri)) return fail(forward_errc::bad_uri);
  const strict_route next = apply_strict_route(copy);
  if (next == strict_route::unreadable) return fail(forward_errc::bad_uri);
  if (breadth != 0 && !copy.put(sip::header_id::max_breadth, decimal{breadth}.view()))
    return fail(forward_errc::too_large);

  const branch_handle h = branches_.emplace();
  proxy_branch& b = *branches_.find(h);
  b.context = context;
  b.index = c.branches++;
  target to = targets.front();
  wire_message sent;
  const auto client =
      send(copy, to, make_branch(c.routing, c.unique, b.index), {h.slot, h.generation, 0}, sent);
  if (!client) {
    branches_.erase(h);
    return fail(client.error());
  }
  b.client = *client;
  b.next = std::exchange(c.first_branch, h);
  ++c.pending;
  // A branch that differs from the request by our Via alone keeps it for both.
  if (!c.request && !way.as && breadth == 0 && next == strict_route::none &&
      way.uri == request.request_uri()) {
    c.request = sent;
    c.request_has_via = true;
  }

  const bool went_to_tcp = to.transport != targets.front().transport;
  if (targets.size() > 1 || went_to_tcp) {
    b.detour = std::make_unique<branch_detour>();
    b.detour->request = sent;
    b.detour->left.assign(targets.rbegin(), targets.rend() - 1);
    if (went_to_tcp) {
      // RFC 3261 18.1.1: when TCP is refused, the datagram goes out all the same.
      b.detour->left.push_back(targets.front());
      b.detour->left.back().choice = transport_choice::fixed;
    }
  }
  return {};
}

bool proxy::try_next_target(branch_handle branch) {
  proxy_branch* b = branches_.find(branch);
  if (!b || !b->detour || b->detour->left.empty()) return false;
  response_context* c = contexts_.find(b->context);
  if (!c || c->is_cancelled || c->final_status != 0) return false;
  while (!b->detour->left.empty()) {
    target to = b->detour->left.back();
    b->detour->left.pop_back();
    auto request = sip::message::parse(b->detour->request.bytes());
    if (!request) return false;
    request->pop_front(sip::header_id::via);
    wire_message sent;
    // RFC 3263 4.3: a new transaction, so another branch parameter.
    const auto client = send(*request, to, make_branch(c->routing, c->unique, c->branches++),
                             {branch.slot, branch.generation, 0}, sent);
    if (!client) continue;
    transactions_.release(b->client);
    b->client = *client;
    b->detour->request = sent;
    return true;
  }
  return false;
}

result<wire_message, forward_errc> proxy::with_via(sip::message& request, target& to,
                                                   std::string_view branch) {
  // The exact size is counted only where it may matter.
  constexpr std::size_t via_estimate = 100;
  const auto transport_for = [&](std::size_t size) {
    return transactions_.out().transport_for(to, size + via_estimate);
  };
  if (transport_for(request.most_wire_size()) != to.transport)
    to.transport = transport_for(request.wire_size());
  const std::string_view sent_by = transactions_.out().sent_by(to);
  if (sent_by.empty()) return fail(forward_errc::no_listener);

  std::array<char, 320> via; // not initialised: written before it is read
  std::size_t size = 0;
  const auto put = [&](std::string_view text) {
    const std::size_t n = std::min(text.size(), via.size() - size);
    std::memcpy(via.data() + size, text.data(), n);
    size += n;
  };
  put("SIP/2.0/");
  put(via_token(to.transport));
  put(" ");
  put(sent_by);
  if (settings_.asks_rport) put(";rport");
  if (to.address.ip.is_multicast()) {
    // RFC 3261 18.1.1: the answers go to the group, too, and no further than the request.
    put(";maddr=");
    put(to.address.ip.to_uri_host());
    if (to.address.ip.is_v4()) {
      put(";ttl=");
      put(std::to_string(std::max<unsigned>(to.ttl, 1)));
    }
  }
  put(";branch=");
  put(branch);
  if (!request.put_front(sip::header_id::via, {via.data(), size}))
    return fail(forward_errc::too_large);
  // RFC 3261 16.6 step 9.
  if (!request.ensure_content_length()) return fail(forward_errc::too_large);
  if (request.most_wire_size() > sip::max_message_size &&
      request.wire_size() > sip::max_message_size)
    return fail(forward_errc::too_large);
  return to_wire(request);
}

result<client_handle, forward_errc> proxy::send(sip::message& request, target& to,
                                                const branch_text& branch, user_tag tag,
                                                wire_message& sent) {
  auto wire = with_via(request, to, branch.view());
  if (!wire) return fail(wire.error());
  sent = std::move(*wire);
  const auto client =
      transactions_.create_client(request.method_text(), branch.view(), sent, to, *this, tag);
  if (!client) return fail(forward_errc::full);
  return *client;
}

void proxy::keep(context_handle context, const sip::message& request) {
  response_context* c = contexts_.find(context);
  if (!c) return;
  c->request = to_wire(request);
  c->request_has_via = false;
}

sip::message proxy::request_of(context_handle context) {
  const response_context* c = contexts_.find(context);
  if (!c || !c->request) return {};
  auto request = sip::message::parse(c->request.bytes());
  if (!request) return {};
  if (c->request_has_via) request->pop_front(sip::header_id::via);
  return std::move(*request);
}

void proxy::answer_as(context_handle context, const sip::message& arrived) {
  if (response_context* const c = contexts_.find(context)) c->arrived = to_wire(arrived);
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
  if (!c || c->final_status != 0 || c->is_over) return false;
  if (status < 200) {
    c->has_answered = true;
    return transactions_.respond(c->server, status, response);
  }
  cancel_branches(context, {});
  send_final(context, status, response);
  return true;
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
  const bool is_pending = c && c->final_status == 0 && !c->is_over;
  if (auto written = sip::write_response(
          cancel, 200, is_pending ? "cancelling" : "ok -- no more pending branches",
          transactions_.tag_for(cancel).view())) {
    const wire_message response = to_wire(std::move(*written));
    // RFC 3261 9.2: answered in a transaction of its own, at the bound without one.
    if (const auto server = transactions_.create_server(cancel, from, *this, {})) {
      transactions_.respond(*server, 200, response);
      transactions_.release(*server);
    } else if (const auto via = cancel.get<sip::hdr::via>()) {
      transactions_.out().send(response_target(*via, from), response, {});
    }
  }
  if (is_pending)
    cancel_branches(context, cancel.first(sip::header_id::reason).value_or(std::string_view{}));
  if (response_context* left = contexts_.find(context);
      left && is_pending && left->final_status == 0) {
    left->is_cancelled = true;
    // Nothing was forwarded, or all has failed while a program thinks: the 487 is ours.
    if (left->pending == 0 && !left->is_deciding) {
      if (left->best_status == 0) left->best_status = 487;
      decide(context);
    }
  }
  return true;
}

void proxy::cancel_branches(context_handle context, std::string_view reason) {
  for_each_branch(context, [&](branch_handle, proxy_branch& b) {
    if (b.is_pending()) transactions_.cancel(b.client, reason);
  });
}

void proxy::allow_silence(context_handle context, bool is_allowed) noexcept {
  if (response_context* c = contexts_.find(context)) c->may_be_silent = is_allowed;
}

void proxy::drop(context_handle context) {
  response_context* c = contexts_.find(context);
  if (!c || c->is_over) return;
  c->is_over = true;
  cancel_branches(context, {});
  if (c->final_status == 0) transactions_.abandon(c->server);
  finish_if_over(context);
}

result<void, forward_errc> proxy::forward_stateless(const sip::message& request,
                                                    const forward_to& way, std::uint64_t routing) {
  if (way.targets.empty()) return fail(forward_errc::no_listener);
  if (is_loop(request, routing)) return fail(forward_errc::loop);
  sip::message copy = request.clone();
  if (!set_uri(copy, way.uri) || apply_strict_route(copy) == strict_route::unreadable)
    return fail(forward_errc::bad_uri);
  target to = reachable(transactions_.out(), way.targets).front();
  const auto wire =
      with_via(copy, to, make_stateless_branch(request, routing, transactions_.secret()).view());
  if (!wire) return fail(wire.error());
  transactions_.out().send(to, *wire, {});
  return {};
}

bool proxy::forward_stray(sip::message& response) {
  if (!is_stateless_response(response, transactions_.secret())) return false;
  response.pop_front(sip::header_id::via);
  const auto via = response.get<sip::hdr::via>();
  const auto to = via ? response_target(*via) : std::nullopt;
  if (!to) return false;
  transactions_.out().send(*to, to_wire(response), {});
  return true;
}

result<void, forward_errc> proxy::replicate(const sip::message& request, const forward_to& way) {
  if (way.targets.empty()) return fail(forward_errc::no_listener);
  sip::message copy = request.clone();
  if (!set_uri(copy, way.uri)) return fail(forward_errc::bad_uri);
  target to = reachable(transactions_.out(), way.targets).front();
  const auto branch = make_branch(routing_hash(request, transactions_.secret()), random_bits(), 0);
  if (request.method() == sip::method::ack) {
    // RFC 3261 17.1.1.3: nothing answers an ACK, so it is no transaction and is not repeated.
    const auto wire = with_via(copy, to, branch.view());
    if (!wire) return fail(wire.error());
    transactions_.out().send(to, *wire, {});
    return {};
  }
  wire_message sent;
  const auto client = send(copy, to, branch, {}, sent);
  if (!client) return fail(client.error());
  transactions_.release(*client);
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
  contexts_.for_each([&](context_handle, const response_context& c) {
    is_any |= c.final_status == 0 && !c.is_over;
  });
  return is_any;
}

} // namespace tandem::stack

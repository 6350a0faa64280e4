// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/tm/relay.hpp>

#include <tandem/base/log.hpp>
#include <tandem/modules/redirection.hpp>
#include <tandem/modules/rr/record_route.hpp>
#include <tandem/modules/tm/settings.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/sip/status.hpp>
#include <tandem/stack/next_hop.hpp>
#include <tandem/stack/route_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <vector>

namespace tandem::modules {

using script::outcome;
using server::located;
using server::message_context;
using server::routing_error;

namespace {

/// Between lines in the log about what cannot be reached.
constexpr duration complaint_interval = seconds{1};

/// A peer's Call-ID or URI may have 60 KB; this many bytes of it stand in a log line.
constexpr std::size_t longest_id = 128;

routing_error error_of(stack::forward_errc why) {
  switch (why) {
  case stack::forward_errc::full: return routing_error::out_of_transactions;
  case stack::forward_errc::too_many_branches:
  case stack::forward_errc::breadth: return routing_error::too_many_branches;
  case stack::forward_errc::bad_uri: return routing_error::bad_uri;
  case stack::forward_errc::no_listener: return routing_error::bad_address;
  case stack::forward_errc::gone:
  case stack::forward_errc::cancelled:
  case stack::forward_errc::loop:
  case stack::forward_errc::too_large: break;
  }
  return routing_error::send;
}

/// Max-Forwards may have been left alone by the script, but not 0 (RFC 3261 16.3 step 3).
bool has_hops_left(const sip::message& request) {
  return request.first(sip::header_id::max_forwards).value_or("70") != "0";
}

} // namespace

/// A t_relay() that waits for the addresses of host names.
struct relay::search {
  server::routing_handle run;
  send_ways then;
  std::vector<std::string> texts; ///< of the ways' views
  std::vector<way> ways;
  std::size_t pending = 0;
  bool is_suspended = false;
};

relay::relay(server::core& home) : home_{home}, locator_{home.on().hosts} {}

// ---- the transaction

bool relay::begin(message_context& m) {
  if (!make_transaction(m)) return false;
  home_.proxy().keep(m.transaction(), m.message());
  return true;
}

bool relay::make_transaction(message_context& m) {
  if (m.transaction()) {
    m.set_error(routing_error::bad_tuple);
    return false;
  }
  const relayed_key key = relayed_.emplace();
  const auto made = home_.proxy().create(m.message(), m.from(), m.routing(), *this,
                                         {.slot = key.slot, .generation = key.generation});
  if (!made) {
    relayed_.erase(key);
    m.set_error(made.error() == stack::transaction_errc::full ? routing_error::out_of_transactions
                                                              : routing_error::bad_tuple);
    return false;
  }
  relayed_.find(key)->script = m.script_version();
  m.set_transaction(*made);
  arm(m);
  return true;
}

void relay::arm(message_context& m) {
  const stack::response_context* const context = home_.proxy().find(m.transaction());
  if (!context) return;
  relayed* const r = relayed_.find({context->tag.slot, context->tag.generation});
  if (!r) return;
  r->armed = m.armed();
  r->flags = m.flags();
  const bool has_failure_route = r->armed.on_failure != script::no_block;
  if (has_failure_route && !r->came)
    r->came = std::make_unique<const origin>(
        origin{m.from(), std::string{m.original_uri()}, std::string{m.received()}});
  home_.proxy().allow_silence(m.transaction(),
                              !has_failure_route && !m.settings_of<tm_settings>().is_noisy);
}

bool relay::reply(message_context& m, int status, std::string_view reason) {
  if (!m.transaction()) return false;
  auto made = home_.begin_reply(m, status, reason);
  add_redirection(m, made);
  return home_.answer(m, std::move(made));
}

// ---- where to

void relay::collect(message_context& m, way_list& ways, std::string& route_hop) {
  // RFC 3261 16.6 steps 6 and 7: a Route that is left says where all branches go.
  if (m.message().has(sip::header_id::route)) route_hop = stack::next_hop_uri(m.message());
  const auto add = [&](std::string_view uri, const server::next_hop& via) {
    way& w = ways.emplace_back();
    w.uri = uri;
    w.path = via.path;
    w.hop_uri = !route_hop.empty() ? std::string_view{route_hop}
                : !via.uri.empty() ? std::string_view{via.uri}
                                   : uri;
    if (!via.path.empty()) {
      // RFC 3327 5.3: the Path becomes the Route, whose first value is the next hop.
      std::string_view rest = via.path;
      const auto first =
          sip::name_addr::parse(sip::message::next_value(sip::header_id::path, rest));
      if (first) w.hop_uri = first->address.text();
      return;
    }
    if (!via.flow && !via.received) return;
    stack::target& fixed = w.found.targets.emplace_back();
    fixed.address = via.received;
    fixed.flow = via.flow;
    fixed.transport = via.transport;
  };
  // In a failure_route the Request-URI was tried already: only what was added since goes out.
  if (m.block() == script::block_kind::request) add(m.uri(), m.hop());
  for (const server::destination& branch : m.branches().all()) add(branch.uri, branch.via);
}

outcome relay::locate(message_context& m, std::span<way> ways, send_ways then) {
  bool needs_search = false;
  for (way& w : ways) {
    if (!w.found.targets.empty()) continue;
    if (auto target = server::locator::find_literal(w.hop_uri, w.found.error))
      w.found.targets.push_back(std::move(*target));
    else
      needs_search |= w.found.error == routing_error::none;
  }
  if (!needs_search) return (this->*then)(m, ways);

  // What the ways view may change while the script waits, so the search has texts of its own.
  auto of = std::make_shared<search>();
  of->run = m.self();
  of->then = then;
  of->texts.reserve(ways.size() * 3);
  const auto own = [&](std::string_view text) -> std::string_view {
    return of->texts.emplace_back(text);
  };
  for (way& w : ways)
    of->ways.push_back({own(w.uri), own(w.hop_uri), own(w.path), std::move(w.found)});
  of->pending = 1; // until every search was started
  for (std::size_t i = 0; i < of->ways.size(); ++i) {
    const located& found = of->ways[i].found;
    if (!found.targets.empty() || found.error != routing_error::none) continue;
    ++of->pending;
    locator_.find(of->ways[i].hop_uri,
                  [this, of, i](located&& result) { located_one(of, i, std::move(result)); });
  }
  if (--of->pending == 0) return (this->*then)(m, of->ways);
  of->is_suspended = true;
  return outcome::suspended();
}

void relay::located_one(const std::shared_ptr<search>& of, std::size_t index, located&& found) {
  of->ways[index].found = std::move(found);
  if (--of->pending != 0 || !of->is_suspended) return;
  message_context* const m = home_.suspended(of->run);
  if (!m) return; // the run was given up meanwhile
  const outcome result = (this->*of->then)(*m, of->ways);
  home_.resume(of->run, result.value());
}

// ---- relaying

outcome relay::forward(message_context& m) {
  if (m.message().method() == sip::method::cancel) return cancel(m);
  way_list ways;
  std::string route_hop;
  collect(m, ways, route_hop);
  if (ways.empty()) return outcome::no(); // a failure_route that added nothing
  if (m.message().method() == sip::method::ack)
    return locate(m, {&ways.front(), 1}, &relay::send_stateless);
  return locate(m, ways, &relay::relay_ways);
}

outcome relay::forward_to(message_context& m, std::string_view hop_uri) {
  m.hop().clear();
  m.hop().uri.assign(hop_uri);
  return forward(m);
}

outcome relay::relay_ways(message_context& m, std::span<way> ways) {
  routing_error error = routing_error::none;
  bool has_any = false;
  for (const way& w : ways) {
    if (w.found.error != routing_error::none) error = w.found.error;
    has_any |= !w.found.targets.empty();
  }
  if (!has_any) {
    m.set_error(error == routing_error::none ? routing_error::bad_address : error);
    return outcome::no();
  }
  if (!has_hops_left(m.message())) {
    m.set_error(routing_error::none);
    home_.answer(m, 483);
    return outcome::leave();
  }
  if (m.transaction())
    arm(m);
  else if (!make_transaction(m))
    return outcome::no();
  const auto sent = send_all(m, ways);
  m.branches().clear();
  return sent ? outcome::yes() : refused(m, sent.error());
}

result<unsigned, stack::forward_errc> relay::send_all(message_context& m, std::span<way> ways) {
  result<unsigned, stack::forward_errc> sent = fail(stack::forward_errc::gone);
  const auto relay_as = [&](const sip::message& request, std::span<const stack::forward_to> to) {
    const auto done = home_.proxy().relay(m.transaction(), request, to);
    if (done)
      sent = sent.value_or(0) + *done;
    else if (!sent)
      sent = done;
  };
  // Ways whose request differs in more than its URI (another Record-Route, a Path) go one by one,
  // those that share it together.
  boost::container::static_vector<stack::forward_to, most_ways> together;
  for (const way& w : ways) {
    if (w.found.targets.empty()) continue;
    const stack::forward_to to{w.uri, w.found.targets};
    const stack::target& next = stack::reachable(home_.out(), w.found.targets).front();
    const bool is_recorded_twice = needs_second_record_route(m, next);
    if (w.path.empty() && !is_recorded_twice) {
      together.push_back(to);
      continue;
    }
    sip::message leaving = m.message().clone();
    const bool is_complete = (w.path.empty() || leaving.put_front(sip::header_id::route, w.path)) &&
                             (!is_recorded_twice || put_second_record_route(m, leaving, next));
    if (is_complete)
      relay_as(leaving, {&to, 1});
    else if (!sent)
      sent = fail(stack::forward_errc::too_large);
  }
  if (!together.empty()) relay_as(m.message(), together);
  const bool has_no_listener = !sent && sent.error() == stack::forward_errc::no_listener;
  for (const way& w : ways)
    if (!w.found.targets.empty() &&
        (has_no_listener || w.found.targets.front().transport > stack::transport_kind::tcp))
      tell_when_unreachable(m, w.found.targets);
  return sent;
}

outcome relay::refused(message_context& m, stack::forward_errc why) {
  m.set_error(error_of(why));
  const int status = stack::status_of(why);
  if (status == 0 || m.block() == script::block_kind::failure) return outcome::no();
  const auto answer = server::answer_for(m.error(), "TM");
  const std::string_view reason =
      answer.status == status ? answer.reason : sip::default_reason(status);
  return reply(m, status, reason) ? outcome::leave() : outcome::no();
}

void relay::tell_when_unreachable(const message_context& m,
                                  std::span<const stack::target> targets) {
  const stack::target& to = stack::reachable(home_.out(), targets).front();
  if (!home_.out().sent_by(to).empty()) return;
  // RFC 3261 26.2.2: what asks for TLS never leaves without it. Any caller can bring this about, so
  // that the line stands in the log once in a while only.
  const instant now = home_.out().now();
  ++untold_;
  if (now < next_complaint_) return;
  next_complaint_ = now + complaint_interval;
  log_notice("call {}: {} is not reached: no listener for {} over IPv{}, and no other transport "
             "is tried; {} more of the kind before this",
             m.message().call_id().substr(0, longest_id), m.uri().substr(0, longest_id),
             via_token(to.transport), to.address.ip.is_v6() ? 6 : 4, untold_ - 1);
  untold_ = 0;
}

outcome relay::send_stateless(message_context& m, std::span<way> ways) {
  // RFC 3261 16.11, 17.1.1.3: the ACK for a 2xx is no part of any transaction.
  const way& w = ways.front();
  if (w.found.targets.empty()) {
    m.set_error(w.found.error);
    return outcome::no();
  }
  if (!has_hops_left(m.message())) return outcome::no();
  const stack::target& next = stack::reachable(home_.out(), w.found.targets).front();
  sip::message leaving = m.message().clone();
  if (!w.path.empty() && !leaving.put_front(sip::header_id::route, w.path)) return outcome::no();
  if (needs_second_record_route(m, next) && !put_second_record_route(m, leaving, next))
    return outcome::no();
  const auto sent = home_.proxy().forward_stateless(leaving, {w.uri, w.found.targets}, m.routing());
  if (!sent) {
    m.set_error(error_of(sent.error()));
    tell_when_unreachable(m, w.found.targets);
  }
  return outcome::of(sent.has_value());
}

outcome relay::copy_ways(message_context& m, std::span<way> ways) {
  const way& w = ways.front();
  if (w.found.targets.empty()) {
    m.set_error(w.found.error);
    return outcome::no();
  }
  const auto sent = home_.proxy().replicate(m.message(), {w.uri, w.found.targets});
  if (!sent) {
    m.set_error(error_of(sent.error()));
    tell_when_unreachable(m, w.found.targets);
  }
  return outcome::of(sent.has_value());
}

outcome relay::replicate(message_context& m, std::string_view hop_uri) {
  way to{.uri = m.uri(), .hop_uri = hop_uri, .path = {}, .found = {}};
  return locate(m, {&to, 1}, &relay::copy_ways);
}

outcome relay::forward_stateless(message_context& m, std::string_view hop_uri) {
  way to{.uri = m.uri(), .hop_uri = hop_uri, .path = {}, .found = {}};
  return locate(m, {&to, 1}, &relay::send_stateless);
}

outcome relay::send_copy(message_context& m, std::string_view hop_uri) {
  way to{.uri = m.uri(), .hop_uri = hop_uri, .path = {}, .found = {}};
  return locate(m, {&to, 1}, &relay::send_unchanged);
}

outcome relay::send_unchanged(message_context& m, std::span<way> ways) {
  const located& found = ways.front().found;
  if (found.targets.empty()) {
    m.set_error(found.error);
    return outcome::no();
  }
  // The bytes that came, without the script's edits and our notes in the Via.
  home_.out().send(stack::reachable(home_.out(), found.targets).front(),
                   stack::wire_message::copy_of(m.received()), {});
  return outcome::yes();
}

outcome relay::cancel(message_context& m) {
  const auto invite = home_.transactions().find_server(m.message());
  if (invite && home_.proxy().cancel(invite, m.message(), m.from())) return outcome::yes();
  // RFC 3261 9.2, 16.10: without a transaction it is for whoever forwarded statelessly; when it
  // leads back to us, nobody did.
  if (m.is_myself(script::subject::uri) && !m.message().has(sip::header_id::route)) {
    home_.reply(m.message(), m.from(), home_.begin_reply(m.message(), 481));
    return outcome::yes();
  }
  way_list ways;
  std::string route_hop;
  collect(m, ways, route_hop);
  if (ways.empty()) return outcome::no();
  return locate(m, {&ways.front(), 1}, &relay::send_stateless);
}

// ---- what the proxy tells

void relay::on_reply(stack::context_handle context, stack::user_tag tag, unsigned,
                     sip::message& response, const stack::arrival& from) {
  relayed* const r = relayed_.find({tag.slot, tag.generation});
  if (!r || r->armed.on_reply == script::no_block) return;
  const relayed_key key{tag.slot, tag.generation};
  home_.run(
      r->script, static_cast<script::block_id>(r->armed.on_reply), script::block_kind::onreply,
      std::move(response), from,
      [&](message_context& m) {
        m.set_transaction(context);
        m.set_flags(r->flags);
        m.armed() = r->armed;
      },
      [this, key, &response](message_context& m) {
        // No function of an onreply_route suspends, so this runs before the call returns.
        response = std::move(m.message());
        if (relayed* const still = relayed_.find(key)) {
          still->armed = m.armed();
          still->flags = m.flags();
        }
      });
}

stack::failure_verdict relay::on_failure(stack::context_handle context, stack::user_tag tag,
                                         int status, const sip::message*) {
  const relayed_key key{tag.slot, tag.generation};
  relayed* const r = relayed_.find(key);
  if (!r || r->armed.on_failure == script::no_block || !r->came)
    return stack::failure_verdict::decided;
  sip::message request = home_.proxy().request_of(context);
  if (!request) return stack::failure_verdict::decided;
  // The block is armed for one failure; it may arm itself, or another, again.
  const auto block =
      static_cast<script::block_id>(std::exchange(r->armed.on_failure, script::no_block));
  const auto has_returned = std::make_shared<bool>(false);
  const auto is_over = std::make_shared<bool>(false);
  home_.run(
      r->script, block, script::block_kind::failure, std::move(request), r->came->from,
      [&](message_context& m) {
        m.set_transaction(context);
        m.set_flags(r->flags);
        m.armed() = r->armed;
        m.set_failure_status(status);
        if (const auto* const of = home_.proxy().find(context)) m.set_routing(of->routing);
        m.set_original_uri(r->came->uri);
        m.set_received(r->came->bytes);
      },
      [this, key, context, has_returned, is_over](message_context& m) {
        if (relayed* const still = relayed_.find(key)) {
          still->armed = m.armed();
          still->flags = m.flags();
        }
        *is_over = true;
        if (*has_returned) home_.proxy().conclude(context);
      });
  *has_returned = true;
  return *is_over ? stack::failure_verdict::decided : stack::failure_verdict::later;
}

void relay::on_final(stack::context_handle, stack::user_tag, int) {}

void relay::on_end(stack::context_handle, stack::user_tag tag) {
  relayed_.erase({tag.slot, tag.generation});
}

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/tm/relay.hpp>

#include <tandem/base/log.hpp>
#include <tandem/modules/redirection.hpp>
#include <tandem/modules/rr/record_route.hpp>
#include <tandem/modules/tm/settings.hpp>
#include <tandem/sip/status.hpp>
#include <tandem/stack/next_hop.hpp>
#include <tandem/stack/route_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <algorithm>
#include <array>

namespace tandem::modules {

using script::outcome;
using server::located;
using server::message_context;
using server::routing_error;

namespace {

constexpr std::size_t most_ways = server::destination_set::limit + 1;

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
  std::vector<located> found;
  std::size_t pending = 0;
  bool is_suspended = false;
};

relay::relay(server::core& home) : home_{home}, locator_{home.on().hosts} {}

// ---- the transaction

bool relay::begin(message_context& m) {
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
  relayed& r = *relayed_.find(key);
  r.script = m.script_version();
  r.from = m.from();
  m.set_transaction(*made);
  home_.proxy().keep(*made, m.message());
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
  if (has_failure_route && r->original_uri.empty()) {
    r->original_uri.assign(m.original_uri());
    r->received.assign(m.received());
  }
  home_.proxy().allow_silence(m.transaction(),
                              !has_failure_route && !m.settings_of<tm_settings>().is_noisy);
}

bool relay::reply(message_context& m, int status, std::string_view reason) {
  if (!m.transaction()) return false;
  std::string headers = m.reply_headers();
  if (status >= 300 && status < 400) headers += contacts_for_redirection(m);
  return home_.answer(m, status, reason, headers);
}

// ---- where to

std::size_t relay::collect(message_context& m, std::span<way> ways, std::string& route_hop) const {
  // RFC 3261 16.6 steps 6 and 7: a Route that is left says where all branches go.
  if (m.message().has(sip::header_id::route)) route_hop = stack::next_hop_uri(m.message());
  const auto make = [&](std::string_view uri, const server::next_hop& via) {
    way w;
    w.uri = uri;
    w.path = via.path;
    if (via.flow || via.received) {
      w.is_fixed = true;
      w.fixed.address = via.received;
      w.fixed.flow = via.flow;
      w.fixed.transport = via.transport;
    }
    w.hop_uri = !route_hop.empty() ? std::string_view{route_hop}
                : !via.uri.empty() ? std::string_view{via.uri}
                                   : uri;
    return w;
  };
  std::size_t count = 0;
  // In a failure_route the Request-URI was tried already: only what was added since goes out.
  if (m.block() == script::block_kind::request) ways[count++] = make(m.uri(), m.hop());
  for (const server::destination& branch : m.branches().all())
    ways[count++] = make(branch.uri, branch.via);
  return count;
}

outcome relay::locate(message_context& m, std::span<const way> ways, send_ways then) {
  std::array<located, most_ways> found;
  bool needs_search = false;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    if (ways[i].is_fixed) {
      found[i].targets.push_back(ways[i].fixed);
      continue;
    }
    if (const auto target = server::locator::find_literal(ways[i].hop_uri, found[i].error))
      found[i].targets.push_back(*target);
    else
      needs_search |= found[i].error == routing_error::none;
  }
  if (!needs_search) return (this->*then)(m, ways, std::span{found}.first(ways.size()));

  // What the ways view may change while the script waits, so the search has texts of its own.
  auto of = std::make_shared<search>();
  of->run = m.self();
  of->then = then;
  of->texts.reserve(ways.size() * 3);
  const auto own = [&](std::string_view text) -> std::string_view {
    return of->texts.emplace_back(text);
  };
  for (const way& w : ways) {
    way& copy = of->ways.emplace_back(w);
    copy.uri = own(w.uri);
    copy.hop_uri = own(w.hop_uri);
    copy.path = own(w.path);
  }
  of->found.assign(
      std::make_move_iterator(found.begin()),
      std::make_move_iterator(found.begin() + static_cast<std::ptrdiff_t>(ways.size())));
  of->pending = 1; // until every search was started
  for (std::size_t i = 0; i < of->ways.size(); ++i) {
    if (!of->found[i].targets.empty() || of->found[i].error != routing_error::none) continue;
    ++of->pending;
    locator_.find(of->ways[i].hop_uri,
                  [this, of, i](located&& result) { located_one(of, i, std::move(result)); });
  }
  if (--of->pending == 0) return (this->*then)(m, of->ways, of->found);
  of->is_suspended = true;
  return outcome::suspended();
}

void relay::located_one(const std::shared_ptr<search>& of, std::size_t index, located&& found) {
  of->found[index] = std::move(found);
  if (--of->pending != 0 || !of->is_suspended) return;
  message_context* const m = home_.suspended(of->run);
  if (!m) return; // the run was given up meanwhile
  const outcome result = (this->*of->then)(*m, of->ways, of->found);
  home_.resume(of->run, result.value());
}

// ---- relaying

outcome relay::forward(message_context& m) {
  if (m.message().method() == sip::method::cancel) return cancel(m);
  std::array<way, most_ways> ways;
  std::string route_hop;
  const std::size_t count = collect(m, ways, route_hop);
  if (count == 0) return outcome::no(); // a failure_route that added nothing
  const std::span<const way> all = std::span{ways}.first(count);
  if (m.message().method() == sip::method::ack)
    return locate(m, all.first(1), &relay::send_stateless);
  return locate(m, all, &relay::relay_ways);
}

outcome relay::forward_to(message_context& m, std::string_view hop_uri) {
  m.hop().clear();
  m.hop().uri.assign(hop_uri);
  return forward(m);
}

outcome relay::relay_ways(message_context& m, std::span<const way> ways, std::span<located> found) {
  routing_error error = routing_error::none;
  for (const located& l : found)
    if (l.error != routing_error::none) error = l.error;
  const bool has_any =
      std::any_of(found.begin(), found.end(), [](const located& l) { return !l.targets.empty(); });
  if (!has_any) {
    m.set_error(error == routing_error::none ? routing_error::bad_address : error);
    return outcome::no();
  }
  if (!has_hops_left(m.message())) {
    m.set_error(routing_error::none);
    home_.answer(m, 483, sip::default_reason(483), m.reply_headers());
    return outcome::leave();
  }
  if (!m.transaction() && !begin(m)) return outcome::no();
  arm(m);

  // Ways whose request differs in more than its URI (another Record-Route, a Path) go one by one,
  // those that share it together.
  bool is_any_sent = false;
  auto refusal = stack::forward_errc::gone;
  std::array<stack::forward_to, most_ways> together;
  std::size_t count = 0;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    if (found[i].targets.empty()) continue;
    const stack::forward_to to{ways[i].uri, found[i].targets};
    sip::message leaving = m.message().clone();
    bool is_special = false;
    if (!ways[i].path.empty())
      is_special = leaving.put_front(sip::header_id::route, ways[i].path).has_value();
    const std::size_t before = leaving.header_count();
    const stack::target& first = stack::reachable(home_.out(), found[i].targets).front();
    if (complete_record_route(m, leaving, first)) is_special |= leaving.header_count() != before;
    if (!is_special) {
      together[count++] = to;
      continue;
    }
    const auto sent = home_.proxy().relay(m.transaction(), leaving, {&to, 1});
    if (sent)
      is_any_sent = true;
    else
      refusal = sent.error();
  }
  if (count > 0) {
    const auto sent =
        home_.proxy().relay(m.transaction(), m.message(), std::span{together}.first(count));
    if (sent)
      is_any_sent = true;
    else
      refusal = sent.error();
  }
  m.branches().clear();
  for (const located& l : found)
    if (!l.targets.empty() && (refusal == stack::forward_errc::no_listener ||
                               l.targets.front().transport > stack::transport_kind::tcp))
      tell_when_unreachable(m, l.targets);
  return is_any_sent ? outcome::yes() : refused(m, refusal);
}

outcome relay::refused(message_context& m, stack::forward_errc why) {
  m.set_error(error_of(why));
  const int status = stack::status_of(why);
  // In a failure_route the failure that brought it here goes upstream instead.
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

outcome relay::send_stateless(message_context& m, std::span<const way> ways,
                              std::span<located> found) {
  // RFC 3261 16.11, 17.1.1.3: the ACK for a 2xx is no part of any transaction.
  if (found[0].targets.empty()) {
    m.set_error(found[0].error);
    return outcome::no();
  }
  if (!has_hops_left(m.message())) return outcome::no();
  sip::message leaving = m.message().clone();
  if (!ways[0].path.empty() && !leaving.put_front(sip::header_id::route, ways[0].path))
    return outcome::no();
  const stack::target& first = stack::reachable(home_.out(), found[0].targets).front();
  if (!complete_record_route(m, leaving, first)) return outcome::no();
  const auto sent =
      home_.proxy().forward_stateless(leaving, {ways[0].uri, found[0].targets}, m.routing());
  if (!sent) {
    m.set_error(error_of(sent.error()));
    tell_when_unreachable(m, found[0].targets);
  }
  return outcome::of(sent.has_value());
}

outcome relay::copy_ways(message_context& m, std::span<const way> ways, std::span<located> found) {
  if (found[0].targets.empty()) {
    m.set_error(found[0].error);
    return outcome::no();
  }
  const auto sent = home_.proxy().replicate(m.message(), {ways[0].uri, found[0].targets});
  if (!sent) {
    m.set_error(error_of(sent.error()));
    tell_when_unreachable(m, found[0].targets);
  }
  return outcome::of(sent.has_value());
}

outcome relay::replicate(message_context& m, std::string_view hop_uri) {
  const way to{.uri = m.uri(), .hop_uri = hop_uri, .path = {}, .fixed = {}, .is_fixed = false};
  return locate(m, {&to, 1}, &relay::copy_ways);
}

outcome relay::forward_stateless(message_context& m, std::string_view hop_uri) {
  const way to{.uri = m.uri(), .hop_uri = hop_uri, .path = {}, .fixed = {}, .is_fixed = false};
  return locate(m, {&to, 1}, &relay::send_stateless);
}

outcome relay::send_copy(message_context& m, std::string_view hop_uri) {
  const way to{.uri = m.uri(), .hop_uri = hop_uri, .path = {}, .fixed = {}, .is_fixed = false};
  return locate(m, {&to, 1}, &relay::send_unchanged);
}

outcome relay::send_unchanged(message_context& m, std::span<const way>, std::span<located> found) {
  if (found[0].targets.empty()) {
    m.set_error(found[0].error);
    return outcome::no();
  }
  // The bytes that came, without the script's edits and our notes in the Via.
  home_.out().send(stack::reachable(home_.out(), found[0].targets).front(),
                   stack::wire_message::copy_of(m.received()), {});
  return outcome::yes();
}

outcome relay::cancel(message_context& m) {
  const auto invite = home_.transactions().find_server(m.message());
  if (invite && home_.proxy().cancel(invite, m.message(), m.from())) return outcome::yes();
  // RFC 3261 9.2, 16.10: without a transaction it is for whoever forwarded statelessly; when it
  // leads back to us, nobody did.
  if (m.is_myself(script::subject::uri) && !m.message().has(sip::header_id::route)) {
    home_.reply(m.message(), m.from(), 481, sip::default_reason(481));
    return outcome::yes();
  }
  std::array<way, most_ways> ways;
  std::string route_hop;
  collect(m, ways, route_hop);
  return locate(m, std::span{ways}.first(1), &relay::send_stateless);
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
  if (!r || r->armed.on_failure == script::no_block) return stack::failure_verdict::decided;
  sip::message request = home_.proxy().request_of(context);
  if (!request) return stack::failure_verdict::decided;
  // The block is armed for one failure; it may arm itself, or another, again.
  const auto block =
      static_cast<script::block_id>(std::exchange(r->armed.on_failure, script::no_block));
  const auto has_returned = std::make_shared<bool>(false);
  const auto is_over = std::make_shared<bool>(false);
  home_.run(
      r->script, block, script::block_kind::failure, std::move(request), r->from,
      [&](message_context& m) {
        m.set_transaction(context);
        m.set_flags(r->flags);
        m.armed() = r->armed;
        m.set_failure_status(status);
        if (const auto* const of = home_.proxy().find(context)) m.set_routing(of->routing);
        m.set_original_uri(r->original_uri);
        m.set_received(r->received);
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

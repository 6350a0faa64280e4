// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/forwarder.hpp>

#include <tandem/base/log.hpp>
#include <tandem/server/authenticated_user.hpp>
#include <tandem/server/forwarding/recorded_route.hpp>
#include <tandem/server/forwarding/redirection.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/status.hpp>
#include <tandem/stack/next_hop.hpp>
#include <tandem/stack/route_rules.hpp>
#include <tandem/stack/wire.hpp>

#include <boost/container/static_vector.hpp>

namespace tandem::server {

using script::outcome;

namespace {

/// A peer's Call-ID or URI may have 60 KB; this many bytes of it stand in a log line.
constexpr std::size_t longest_id = 128;

routing_error error_of(stack::forward_errc why) {
  switch (why) {
  case stack::forward_errc::full:
  case stack::forward_errc::unanswered: return routing_error::out_of_transactions;
  case stack::forward_errc::too_many_branches:
  case stack::forward_errc::breadth: return routing_error::too_many_branches;
  case stack::forward_errc::bad_uri: return routing_error::bad_uri;
  case stack::forward_errc::no_listener: return routing_error::bad_address;
  case stack::forward_errc::insecure: return routing_error::insecure;
  case stack::forward_errc::gone:
  case stack::forward_errc::cancelled:
  case stack::forward_errc::loop:
  case stack::forward_errc::too_many_hops:
  case stack::forward_errc::too_large: break;
  }
  return routing_error::send;
}

} // namespace

forwarder::forwarder(core& owner)
    : core_{owner}, routes_{owner.state<transaction_routes>()}, ways_{owner} {}

bool forwarder::begin(message_context& m) {
  if (!routes_.make_transaction(m)) return false;
  core_.proxy().keep(m.transaction(), m.message(), transaction_routes::answered_apart(m));
  return true;
}

bool forwarder::reply(message_context& m, int status, std::string_view reason) {
  if (!m.transaction()) return false;
  auto made = core_.begin_reply(m, status, reason);
  add_redirection(m, made);
  return core_.answer(m, std::move(made));
}

// ---- where to

outcome forwarder::forward(message_context& m) {
  if (m.message().method() == sip::method::cancel) return cancel(m);
  if (const auto bad = refuse_bad_route(m)) return *bad;
  seal_recorded(m); // the ways view the request, which is not edited from here on
  way_list ways;
  way_finder::collect(m, ways);
  if (ways.all.empty()) return outcome::no(); // a failure_route that added nothing
  // RFC 3261 16.11, 17.1.1.3: the ACK for a 2xx is no part of any transaction.
  if (m.message().method() == sip::method::ack)
    return find_and_use(m, {&ways.all.front(), 1}, way_use::forward_stateless);
  return find_and_use(m, ways.all, way_use::relay);
}

outcome forwarder::forward_to(message_context& m, std::string_view hop_uri) {
  m.reach().clear();
  m.reach().uri.assign(hop_uri);
  return forward(m);
}

outcome forwarder::replicate(message_context& m, std::string_view hop_uri) {
  return to_hop(m, hop_uri, way_use::replicate);
}

outcome forwarder::forward_stateless(message_context& m, std::string_view hop_uri) {
  // The nonce count of a request that was let in is used up: a copy of it must find a transaction,
  // since the script would refuse it (RFC 7616 5.5).
  const auto* const who = m.find_state<authenticated_user>();
  const bool may_be_repeated = who && who->is_there() && !is_reliable(m.from().transport);
  return to_hop(m, hop_uri, may_be_repeated ? way_use::relay : way_use::forward_stateless);
}

outcome forwarder::send_copy(message_context& m, std::string_view hop_uri) {
  return to_hop(m, hop_uri, way_use::send_unchanged);
}

outcome forwarder::to_hop(message_context& m, std::string_view hop_uri, way_use how) {
  if (how != way_use::send_unchanged)
    if (const auto bad = refuse_bad_route(m)) return *bad;
  seal_recorded(m);
  way to{.uri = m.uri(), .hop_uri = hop_uri, .path = {}, .found = {}};
  return find_and_use(m, {&to, 1}, how);
}

std::optional<outcome> forwarder::refuse_bad_route(message_context& m) {
  const std::string fault = stack::fault_of_route(m.message());
  if (fault.empty()) return std::nullopt;
  m.set_error(routing_error::bad_uri);
  // RFC 3261 21.4.1, 17: an ACK is not answered.
  if (m.block() != script::block_kind::request || m.message().method() == sip::method::ack)
    return outcome::no();
  core_.answer(m, 400, fault);
  return outcome::leave();
}

outcome forwarder::find_and_use(message_context& m, std::span<way> ways, way_use how) {
  if (way_finder::find_at_once(m, ways)) return use(m, ways, how);
  return ways_.search(m, ways, [this, how](message_context& later, std::span<way> found) {
    return use(later, found, how);
  });
}

outcome forwarder::use(message_context& m, std::span<way> ways, way_use how) {
  if (how == way_use::relay) return relay_ways(m, ways);
  const way& w = ways.front();
  if (w.found.targets.empty()) {
    m.set_error(w.found.error);
    return outcome::no();
  }
  switch (how) {
  case way_use::forward_stateless: return send_stateless(m, w);
  case way_use::replicate: return send_replica(m, w);
  default: return send_unchanged(m, w);
  }
}

// ---- with a transaction

outcome forwarder::relay_ways(message_context& m, std::span<const way> ways) {
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
  if (m.transaction())
    routes_.arm(m);
  else if (!routes_.make_transaction(m))
    return outcome::no();
  const auto sent = relay_all(m, ways);
  m.branches().clear();
  m.reach().paid = 0; // it counts once
  if (!sent) return refused(m, sent.error());
  note_where_sender_is(m);
  m.note_served();
  return outcome::yes();
}

result<unsigned, stack::forward_errc> forwarder::relay_all(message_context& m,
                                                           std::span<const way> ways) {
  boost::container::static_vector<stack::forward_to, most_ways> all;
  const auto recorded = recorded_entry_of(m);
  for (const way& w : ways)
    if (!w.found.targets.empty()) all.push_back(w.with(recorded ? &*recorded : nullptr));
  const auto sent = core_.proxy().relay(m.transaction(), m.message(), all, routes_.terms_of(m));
  if (sent && *sent < all.size())
    withheld_.notice(core_.out().now(), "call {}: {} of {} ways were not tried",
                     m.message().call_id().substr(0, longest_id), all.size() - *sent, all.size());
  const bool are_all_tried = sent && *sent == all.size();
  for (const way& w : ways)
    if (!are_all_tried && !w.found.targets.empty()) tell_when_unreachable(m, w.found.targets);
  return sent;
}

outcome forwarder::refused(message_context& m, stack::forward_errc why) {
  m.set_error(error_of(why));
  const int status = stack::status_of(why);
  if (status == 0 || m.block() == script::block_kind::failure) return outcome::no();
  const auto answer = answer_for(m.error(), "TM");
  const std::string_view reason =
      answer.status == status ? answer.reason : sip::default_reason(status);
  if (!m.transaction()) return outcome::no();
  auto made = core_.begin_reply(m, status, reason);
  if (status == 503) core_.add_retry_after(made); // RFC 3261 21.5.4
  return core_.answer(m, std::move(made)) ? outcome::leave() : outcome::no();
}

outcome forwarder::cancel(message_context& m) {
  const auto invite = core_.transactions().find_server(m.arrived(), m.from());
  if (invite && core_.proxy().cancel(invite, m.arrived(), m.from())) return outcome::yes();
  // RFC 3261 9.2. Deviates: 16.10 lets a proxy forward a CANCEL that it has no context for; whoever
  // names an address in one could then have it sent there. forward() does so where a script that
  // forwards without transactions wants it (16.11).
  core_.reply(m.arrived(), m.from(), core_.begin_reply(m, 481));
  return outcome::yes();
}

// ---- without one

outcome forwarder::send_stateless(message_context& m, const way& w) {
  const auto recorded = recorded_entry_of(m);
  const auto sent = core_.proxy().forward_stateless(
      m.message(), m.from(), w.with(recorded ? &*recorded : nullptr), m.routing(), m.hops());
  if (!sent && sent.error() == stack::forward_errc::too_many_hops &&
      m.message().method() != sip::method::ack) {
    m.set_error(routing_error::none);
    core_.answer(m, stack::status_of(sent.error()));
    return outcome::leave();
  }
  if (!sent) {
    m.set_error(error_of(sent.error()));
    tell_when_unreachable(m, w.found.targets);
    return outcome::no();
  }
  note_where_sender_is(m);
  m.note_served();
  return outcome::yes();
}

outcome forwarder::send_replica(message_context& m, const way& w) {
  const auto recorded = recorded_entry_of(m);
  const auto sent = core_.proxy().replicate(m.message(), w.with(recorded ? &*recorded : nullptr),
                                            m.routing(), m.hops());
  if (!sent) {
    m.set_error(error_of(sent.error()));
    tell_when_unreachable(m, w.found.targets);
  }
  return outcome::of(sent.has_value());
}

outcome forwarder::send_unchanged(message_context& m, const way& w) {
  const stack::target& to = stack::reachable(core_.out(), w.found.targets).front();
  if (stack::leaves_in_clear(m.original_uri(), to.transport)) {
    m.set_error(routing_error::insecure);
    return outcome::no();
  }
  // The bytes that came, without the script's edits and our notes in the Via.
  if (!is_reliable(to.transport)) {
    core_.out().send(to, stack::wire_message::copy_of(m.received()), {});
    return outcome::yes();
  }
  // RFC 3261 18.3: what came as a datagram may say nothing of its length, or may have a tail, which
  // would be the next message of the stream.
  const auto as_received = sip::message::parse(m.received());
  if (!as_received) return outcome::no();
  core_.out().send(to, stack::to_wire(*as_received), {});
  return outcome::yes();
}

void forwarder::tell_when_unreachable(const message_context& m,
                                      std::span<const stack::target> targets) {
  const stack::target& to = stack::reachable(core_.out(), targets).front();
  if (!core_.out().sent_by(to).empty()) return;
  // RFC 3261 26.2.2: what asks for TLS never leaves without it. Any caller can bring this about.
  unreachable_.notice(core_.out().now(),
                      "call {}: {} is not reached: no listener for {} over IPv{}, and no other "
                      "transport is tried",
                      m.message().call_id().substr(0, longest_id), m.uri().substr(0, longest_id),
                      via_token(to.transport), to.address.ip.is_v6() ? 6 : 4);
}

} // namespace tandem::server

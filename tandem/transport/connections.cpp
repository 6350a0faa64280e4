// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connections.hpp>

#include <tandem/base/log.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/via.hpp>
#include <tandem/transport/connectors.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::transport {

namespace {

constexpr std::size_t refusals_kept = 4'096;

stack::send_error error_of(io::connection_end why) noexcept {
  switch (why) {
  case io::connection_end::refused: return stack::send_error::refused;
  case io::connection_end::unreachable:
  case io::connection_end::tls_failed: return stack::send_error::unreachable;
  case io::connection_end::open_limit: return stack::send_error::timed_out;
  case io::connection_end::overflow: return stack::send_error::full;
  default: return stack::send_error::closed;
  }
}

io::send_token to_token(stack::origin o, std::uint16_t shard) noexcept {
  return {o.slot, o.generation, static_cast<std::uint32_t>(o.of) << 16 | shard};
}

stack::origin to_origin(io::send_token t) noexcept {
  return {t.a, t.b, static_cast<stack::origin::kind>(t.c >> 16)};
}

std::uint16_t to_shard(io::send_token t) noexcept { return static_cast<std::uint16_t>(t.c); }

} // namespace

connections::connections(io::shard& loop, stream_owner& owner, const transport_options& options)
    : loop_{loop}, owner_{owner}, options_{options}, pong_{block_ref::copy_of(pong)} {}

connections::~connections() = default;

result<socket_address, std::string> connections::listen(transport_kind kind,
                                                        const socket_address& at, io::port_use use,
                                                        const io::tls_context& tls,
                                                        std::uint32_t listener) {
  // What is to be secure is never accepted in the clear.
  if (is_secure(kind) != static_cast<bool>(tls))
    return fail(
        fmt::format("{} {} a certificate", name_of(kind), tls ? "has no use for" : "needs"));
  auto made = std::make_unique<listening>(listening{kind, listener, tls});
  auto socket = io::tcp_listener::listen(
      loop_, at,
      [this, by = made.get()](io::unique_fd fd, const socket_address& peer) {
        accept(*by, std::move(fd), peer);
      },
      use);
  if (!socket) return fail(std::move(socket.error()));
  made->socket = std::move(*socket);
  listeners_.push_back(std::move(made));
  return listeners_.back()->socket->address();
}

void connections::renew_tls(const io::tls_context& server) {
  for (const auto& one : listeners_)
    if (one->tls && server) one->tls = server;
}

bool connections::carries(transport_kind transport) const noexcept {
  return connector_of(transport).framed == framing::content_length &&
         (!is_secure(transport) || tls_client_);
}

bool connections::has_room(const ip_address& source) {
  if (shares_.of(source) >= options_.connections_per_source) return false;
  const auto most = std::min<std::size_t>(options_.connections, most_stream_slots);
  if (all_.size() < most) return true;
  // A flood of connections that say nothing must not keep others out.
  connection* goes = unproven_.empty() ? nullptr : &unproven_.front();
  // Nor may one source that has all of them.
  const std::size_t hog = std::min(options_.connections_per_source, most) / 2;
  if (!goes) goes = static_cast<connection*>(shares_.to_give_up(source, loop_.now(), hog));
  if (!goes) return false;
  goes->carrier.give_up_place(); // forgets it, and reports what waited in it
  return true;
}

connections::connection& connections::add(connection_key where, duration open_limit) {
  const key k = all_.emplace(*this, std::move(where),
                             io::connection_limits{.open = open_limit,
                                                   .idle = options_.idle_limit,
                                                   .output = options_.output_limit,
                                                   .output_bytes = options_.output_bytes});
  connection& c = *all_.find(k);
  c.self = k;
  try {
    by_key_[c.leads_to] = k;
  } catch (const std::bad_alloc&) {
    all_.erase(k);
    throw;
  }
  return c;
}

connections::connection::connection(connections& of, connection_key where,
                                    const io::connection_limits& limits)
    : owner{of}, leads_to{std::move(where)}, carrier{of.loop_, *this, limits} {
  owner.shares_.enter(*this, leads_to.peer.ip, owner.loop_.now());
}

connections::connection::~connection() {
  end_handshake();
  owner.forget_way(leads_to, self);
  if (alias) owner.forget_way(*alias, self);
}

/// Whoever connects and says nothing more costs memory, not calls. Nobody's handshake makes room
/// for one that is refused.
bool connections::has_room_for_handshake(const ip_address& source) {
  if (handshakes_.of(source) >= options_.handshakes_per_source || !has_room(source)) return false;
  if (handshake_count_ >= options_.handshakes) shaking_hands_.front().carrier.give_up_place();
  return true;
}

void connections::connection::begin_handshake() {
  handshake.emplace();
  owner.handshakes_.enter(*handshake, leads_to.peer.ip, owner.loop_.now());
  owner.shaking_hands_.push_back(*this);
  ++owner.handshake_count_;
}

void connections::connection::end_handshake() noexcept {
  if (!as_handshake().is_linked()) return;
  as_handshake().unlink();
  --owner.handshake_count_;
  handshake.reset();
}

void connections::forget_way(const connection_key& where, key of) noexcept {
  const auto found = by_key_.find(where);
  if (found != by_key_.end() && found->second == of) by_key_.erase(found);
}

void connections::accept(const listening& by, io::unique_fd fd, const socket_address& peer) {
  const bool by_tls = static_cast<bool>(by.tls);
  if (!(by_tls ? has_room_for_handshake(peer.ip) : has_room(peer.ip))) {
    log_debug("{}: a connection from {} is refused: the bound is reached", name_of(by.kind),
              peer.to_string());
    return;
  }
  connection& c = add({by.kind, peer, {}}, options_.half_message_limit);
  c.is_accepted = true;
  c.listener = by.number;
  c.has_deadline = true;
  unproven_.push_back(c);
  if (by_tls) c.begin_handshake();
  c.carrier.accept(std::move(fd), peer, by.tls);
  c.carrier.await_by(loop_.now() + options_.half_message_limit);
}

result<connections::connection*, stack::send_error> connections::open(const connection_key& where,
                                                                      const ip_address& from) {
  const bool by_tls = is_secure(where.transport);
  if (!carries(where.transport)) return fail(stack::send_error::unsupported);
  if (by_tls && !where.name) return fail(stack::send_error::unreachable); // nothing to prove
  if (!has_room(where.peer.ip)) return fail(stack::send_error::full);
  connection& c = add(where, options_.connect_limit);
  c.carrier.connect(where.peer, by_tls ? tls_client_ : io::tls_context{},
                    std::string{where.name.text()}, from);
  return &c;
}

void connections::forget(connection& c, io::connection_end why) {
  const socket_address peer = c.leads_to.peer;
  const bool has_refused_tcp =
      !c.is_accepted && c.leads_to.transport == for_large_requests &&
      (why == io::connection_end::refused || why == io::connection_end::open_limit);
  all_.erase(c.self);
  if (has_refused_tcp) note_refusal(peer);
}

/// Who takes no TCP is not asked again for a while where UDP will do.
void connections::note_refusal(const socket_address& peer) {
  // All are kept for the same time: the one that ends first is the oldest.
  if (refused_.size() >= refusals_kept && !refused_.contains(peer))
    refused_.erase(std::min_element(refused_.begin(), refused_.end(),
                                    [](auto& a, auto& b) { return a.second < b.second; }));
  refused_[peer] = loop_.now() + options_.refusal_memory;
}

bool connections::has_refused(const socket_address& peer) const noexcept {
  const auto found = refused_.find(peer);
  return found != refused_.end() && found->second > loop_.now();
}

connections::connection* connections::find_usable(key which, transport_kind transport) noexcept {
  connection* c = all_.find(which);
  return c && c->leads_to.transport == transport && c->carrier.takes_output() ? c : nullptr;
}

socket_address connections::send(const stack::target& to, const ip_address& from,
                                 const stack::wire_message& message, stack::origin on_behalf_of,
                                 std::uint16_t asking_shard) {
  connection* c = nullptr;
  auto reason = stack::send_error::closed;
  if (to.flow) c = find_usable({stream_slot(to.flow), to.flow.generation}, to.transport);
  if (!c && (!to.flow || to.may_reconnect)) {
    const connection_key where{to.transport, to.address, to.server_name};
    if (const auto found = by_key_.find(where); found != by_key_.end())
      c = find_usable(found->second, to.transport);
    if (!c) {
      const auto opened = open(where, from);
      if (opened)
        c = *opened;
      else
        reason = opened.error();
    }
  }
  if (c && c->carrier.send(message.block, message.size, to_token(on_behalf_of, asking_shard))) {
    shares_.use(*c, loop_.now());
    return c->carrier.local();
  }
  loop_.post([this, on_behalf_of, asking_shard, reason] {
    owner_.on_stream_send_error(on_behalf_of, asking_shard, reason);
  });
  return {};
}

void connections::bind(flow_handle flow, instant until) noexcept {
  if (connection* c = all_.find(key{stream_slot(flow), flow.generation})) shares_.bind(*c, until);
}

void connections::close(flow_handle flow) {
  if (connection* c = all_.find(key{stream_slot(flow), flow.generation})) c->carrier.finish();
}

stack::arrival connections::arrival_of(const connection& c) const {
  stack::arrival from;
  from.source = c.leads_to.peer;
  from.local = c.carrier.local();
  from.flow = stream_flow(c.self.slot, c.self.generation, loop_.index(), c.listener);
  from.transport = c.leads_to.transport;
  from.at = loop_.now();
  return from;
}

void connections::connection::on_data(std::string_view bytes) {
  input.feed(bytes);
  owner.take_frames(*this);
}

void connections::take_frames(connection& c) {
  for (;;) {
    sip::frame f = c.input.next();
    switch (f.kind) {
    case sip::frame_kind::need_more: return note_progress(c);
    case sip::frame_kind::message:
      if (c.as_unproven().is_linked()) {
        c.as_unproven().unlink();
        c.may_offer_alias = c.carrier.has_verified_peer(); // only TLS has one
      }
      shares_.use(c, loop_.now());
      if (c.may_offer_alias) note_alias(c, {f.block.data(), f.size});
      owner_.on_stream_message(std::move(f.block), f.size, arrival_of(c));
      break;
    case sip::frame_kind::ping:
      owner_.on_stream_ping();
      c.carrier.send(pong_, static_cast<std::uint32_t>(pong.size()));
      break;
    case sip::frame_kind::pong: break;
    case sip::frame_kind::failed:
      // Whatever the answer makes us open, this one stays for the call.
      c.as_unproven().unlink();
      shares_.use(c, loop_.now());
      owner_.on_stream_broken(std::move(f.block), f.size, f.error, arrival_of(c));
      c.carrier.finish();
      return;
    }
    if (!c.carrier.takes_output()) return; // closed by who got the message
  }
}

/// RFC 5923 8.2: a peer that connected to us may offer its connection for requests to itself, by
/// `alias` in the topmost Via of a request. It then leads to where that Via says that the peer
/// listens, if the peer has proved that name by its certificate (9.2) and listens at the address
/// that it came from; else nothing changes.
void connections::note_alias(connection& c, std::string_view message) {
  const auto request = sip::message::parse(message);
  if (!request || !request->is_request()) return;
  const auto via = sip::via::parse(request->top_via());
  if (!via || !via->params.has("alias")) return;
  c.may_offer_alias = false; // once: what the certificate proves does not change
  const std::string name{via->sent_by.host.text};
  if (!c.carrier.has_proved(name)) return;
  const transport_kind kind = c.leads_to.transport;
  const socket_address at{c.leads_to.peer.ip, via->sent_by.port.value_or(default_port(kind))};
  c.alias.emplace(connection_key{kind, at, stack::server_name{name}});
  by_key_[*c.alias] = c.self;
}

void connections::note_progress(connection& c) {
  const bool awaits_more = c.input.is_inside_message() || c.as_unproven().is_linked();
  if (awaits_more == c.has_deadline) return; // one byte now and then moves no deadline
  c.has_deadline = awaits_more;
  c.carrier.await_by(awaits_more ? loop_.now() + options_.half_message_limit
                                 : io::connection::never);
}

void connections::connection::on_unsent(io::send_token token, io::connection_end why) {
  const stack::origin o = to_origin(token);
  if (o.of != stack::origin::kind::none)
    owner.owner_.on_stream_send_error(o, to_shard(token), error_of(why));
}

void connections::connection::on_closed(io::connection_end why, std::string_view detail) {
  connections& of = owner; // this goes
  const socket_address peer = leads_to.peer;
  const stack::server_name name = leads_to.name;
  const bool came = is_accepted;
  of.forget(*this, why);
  if (why == io::connection_end::tls_failed) of.note_tls_failure(peer, came, name, detail);
}

/// The peer's name, the reason and the remedy, as often as an operator can read it.
void connections::note_tls_failure(const socket_address& peer, bool came,
                                   const stack::server_name& name, std::string_view detail) {
  const log_level level = log_level_of(options_.tls_log);
  if (came)
    tls_failures_.write(level, loop_.now(), "tls: {} connected and was refused: {}",
                        peer.to_string(), detail);
  else
    tls_refusals_.write(level, loop_.now(), "tls: no connection with {} ({}): {}", name.text(),
                        peer.to_string(), detail);
}

} // namespace tandem::transport

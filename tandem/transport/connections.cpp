// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connections.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/source_network.hpp>

#include <algorithm>

namespace tandem::transport {

namespace {

constexpr std::size_t refusals_kept = 4'096;
constexpr std::string_view pong = "\r\n"; // RFC 5626 4.4.1

stack::send_error error_of(io::byte_stream_end why) noexcept {
  switch (why) {
  case io::byte_stream_end::refused: return stack::send_error::refused;
  case io::byte_stream_end::unreachable: return stack::send_error::unreachable;
  case io::byte_stream_end::connect_limit: return stack::send_error::timed_out;
  case io::byte_stream_end::overflow: return stack::send_error::full;
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

connections::connections(io::shard& home, stream_owner& owner, const transport_options& options)
    : home_{home}, owner_{owner}, options_{options}, tcp_options_{options.connect_limit,
                                                                  options.idle_limit,
                                                                  options.output_limit,
                                                                  options.output_bytes},
      pong_{block_ref::copy_of(pong)} {}

connections::~connections() = default;

result<socket_address, std::string> connections::listen(const socket_address& at,
                                                        io::port_use use) {
  auto made = io::tcp_listener::listen(
      home_, at,
      [this](io::unique_fd fd, const socket_address& peer) { accept(std::move(fd), peer); }, use);
  if (!made) return fail(std::move(made.error()));
  listeners_.push_back(std::move(*made));
  return listeners_.back()->address();
}

bool connections::has_room(const ip_address& source) {
  const auto found = by_source_.find(source_network(source));
  if (found != by_source_.end() && found->second >= options_.connections_per_source) return false;
  if (all_.size() < options_.connections) return true;
  // A flood of connections that say nothing must not keep others out.
  if (unproven_.empty()) return false;
  unproven_.front().stream->give_up_place(); // forgets it, and reports what waited in it
  return true;
}

void connections::accept(io::unique_fd fd, const socket_address& peer) {
  if (!has_room(peer.ip)) {
    log_debug("tcp: a connection from {} is refused: the bound is reached", peer.to_string());
    return;
  }
  const key k = all_.emplace(*this);
  connection& c = *all_.find(k);
  c.self = k;
  c.is_accepted = true;
  c.stream = io::tcp_stream::accept(home_, std::move(fd), peer, c, tcp_options_);
  if (!c.stream) return all_.erase(k);
  add(c);
  unproven_.push_back(c);
  c.has_deadline = true;
  c.stream->await_by(home_.now() + options_.half_message_limit);
}

connections::connection* connections::open(const socket_address& to, const ip_address& from) {
  if (!has_room(to.ip)) return nullptr;
  const key k = all_.emplace(*this);
  connection& c = *all_.find(k);
  c.self = k;
  c.stream = io::tcp_stream::connect(home_, to, from, c, tcp_options_);
  add(c);
  return &c;
}

void connections::add(connection& c) {
  by_peer_[c.stream->peer()] = c.self;
  ++by_source_[source_network(c.stream->peer().ip)];
}

void connections::forget(connection& c, io::byte_stream_end why) {
  const socket_address peer = c.stream->peer();
  if (const auto found = by_peer_.find(peer); found != by_peer_.end() && found->second == c.self)
    by_peer_.erase(found);
  if (const auto found = by_source_.find(source_network(peer.ip));
      found != by_source_.end() && --found->second == 0)
    by_source_.erase(found);
  // D17: who takes no TCP is not asked again for a while.
  if (!c.is_accepted &&
      (why == io::byte_stream_end::refused || why == io::byte_stream_end::connect_limit)) {
    // All are kept for the same time: the one that ends first is the oldest.
    if (refused_.size() >= refusals_kept && !refused_.contains(peer))
      refused_.erase(std::min_element(refused_.begin(), refused_.end(),
                                      [](auto& a, auto& b) { return a.second < b.second; }));
    refused_[peer] = home_.now() + options_.refusal_memory;
  }
  all_.erase(c.self);
}

bool connections::has_refused(const socket_address& peer) const noexcept {
  const auto found = refused_.find(peer);
  return found != refused_.end() && found->second > home_.now();
}

void connections::send(const stack::target& to, const ip_address& from,
                       const stack::wire_message& message, stack::origin on_behalf_of,
                       std::uint16_t asking_shard) {
  connection* c = nullptr;
  auto reason = stack::send_error::closed;
  const auto take = [&](key which) {
    c = all_.find(which);
    if (c && !c->stream->is_open()) c = nullptr;
  };
  if (to.flow) take(key{to.flow.slot, to.flow.generation});
  if (!c && (!to.flow || to.may_reconnect)) {
    if (const auto found = by_peer_.find(to.address); found != by_peer_.end()) take(found->second);
    if (!c) {
      c = open(to.address, from);
      reason = stack::send_error::full;
    }
  }
  if (!c) {
    home_.post([this, on_behalf_of, asking_shard, reason] {
      owner_.on_stream_send_error(on_behalf_of, asking_shard, reason);
    });
    return;
  }
  c->stream->send(message.block, message.size, to_token(on_behalf_of, asking_shard));
}

void connections::close(flow_handle flow) {
  if (connection* c = all_.find(key{flow.slot, flow.generation})) c->stream->close();
}

socket_address connections::local_of(flow_handle flow) noexcept {
  connection* c = all_.find(key{flow.slot, flow.generation});
  return c ? c->stream->local() : socket_address{};
}

stack::arrival connections::arrival_of(const connection& c) const {
  stack::arrival from;
  from.source = c.stream->peer();
  from.local = c.stream->local();
  from.flow = {c.self.slot, c.self.generation, home_.index()};
  from.transport = transport_kind::tcp;
  from.at = home_.now();
  return from;
}

void connections::connection::on_bytes(io::byte_stream&, std::string_view bytes) {
  input.feed(bytes);
  owner.take_frames(*this);
}

void connections::take_frames(connection& c) {
  for (;;) {
    sip::frame f = c.input.next();
    switch (f.kind) {
    case sip::frame_kind::need_more: return note_progress(c);
    case sip::frame_kind::message:
      c.unlink();
      owner_.on_stream_message(std::move(f.block), f.size, arrival_of(c));
      break;
    case sip::frame_kind::ping:
      owner_.on_stream_ping();
      c.stream->send(pong_, static_cast<std::uint32_t>(pong.size()));
      break;
    case sip::frame_kind::pong: break;
    case sip::frame_kind::failed:
      c.unlink(); // whatever the answer makes us open, this one stays for the call
      owner_.on_stream_broken(std::move(f.block), f.size, f.error, arrival_of(c));
      c.stream->close();
      return;
    }
    if (!c.stream->is_open()) return; // closed by who got the message
  }
}

void connections::note_progress(connection& c) {
  const bool awaits_more = c.input.is_inside_message() || c.is_linked();
  if (awaits_more == c.has_deadline) return; // one byte now and then moves no deadline
  c.has_deadline = awaits_more;
  c.stream->await_by(awaits_more ? home_.now() + options_.half_message_limit
                                 : io::byte_stream::never);
}

void connections::connection::on_unsent(io::byte_stream&, io::send_token token,
                                        io::byte_stream_end why) {
  const stack::origin o = to_origin(token);
  if (o.of != stack::origin::kind::none)
    owner.owner_.on_stream_send_error(o, to_shard(token), error_of(why));
}

void connections::connection::on_end(io::byte_stream&, io::byte_stream_end why) {
  owner.forget(*this, why);
}

} // namespace tandem::transport

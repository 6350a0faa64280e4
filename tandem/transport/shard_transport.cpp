// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/shard_transport.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>
#include <tandem/io/bind_failure.hpp>
#include <tandem/sip/via.hpp>
#include <tandem/transport/connectors.hpp>
#include <tandem/transport/home.hpp>
#include <tandem/transport/transport.hpp>

#include <cerrno>
#include <new>

namespace tandem::transport {

namespace {

constexpr std::string_view ping = "\r\n\r\n";

/// The flow of a datagram socket never ends. Its slot has the listener below, and above the number
/// of the address of ours that a wildcard socket was spoken to at.
constexpr std::uint32_t datagram_generation = 0xffffffff;

std::uint32_t listener_of(flow_handle flow) noexcept { return flow.slot & 0xffff; }
std::uint16_t address_of(flow_handle flow) noexcept {
  return static_cast<std::uint16_t>(flow.slot >> 16);
}

/// More failures of one turn are not told: their transactions end by their timers.
constexpr std::size_t failures_told = 65'536;

/// More sent-by texts than this host has addresses.
constexpr std::size_t texts_kept = 4'096;

stack::send_error error_of(int error) noexcept {
  return error == ECONNREFUSED ? stack::send_error::refused : stack::send_error::unreachable;
}

bool is_blank(std::string_view bytes) noexcept {
  return bytes.find_first_not_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

} // namespace

shard_transport::shard_transport(transport& whole, io::shard& loop)
    : whole_{whole}, loop_{loop}, connections_{loop, *this, whole.options_} {}

shard_transport::~shard_transport() = default;

result<socket_address, std::string>
shard_transport::open_port(const socket_address& at, io::port_use use, std::uint32_t number) {
  ports_.resize(number + std::size_t{1});
  // Each socket of a group gets a copy of what is sent to it: one shard listens for all.
  if (at.ip.is_multicast() && loop_.index() != 0) return at;
  auto port = std::make_unique<udp_port>(*this, number);
  io::udp_options udp;
  if (at.ip.is_multicast()) udp.groups = {at.ip};
  udp.shares_port = use == io::port_use::shared;
  auto socket = io::udp_socket::open(loop_, at, *port, udp);
  if (!socket) return fail(io::bind_failure("bind to", at, socket.error()));
  port->socket = std::move(*socket);
  const socket_address bound = port->socket->local();
  ports_[number] = std::move(port);
  return bound;
}

result<socket_address, std::string> shard_transport::accept_at(transport_kind kind,
                                                               const socket_address& at,
                                                               io::port_use use,
                                                               std::uint32_t number) {
  return connections_.listen(kind, at, use,
                             is_secure(kind) ? whole_.tls_.server : io::tls_context{}, number);
}

// --- what comes in

void shard_transport::udp_port::on_datagram(io::udp_socket& on, io::datagram&& d) {
  const std::string_view bytes{d.block.data(), d.size};
  if (is_blank(bytes)) {
    // RFC 5626 has STUN for datagrams; phones send blank lines all the same, and some want one.
    if (bytes == ping) {
      ++owner.counters_.pings;
      on.send(d.source, block_ref::copy_of(pong), static_cast<std::uint32_t>(pong.size()), {},
              d.local.ip);
    }
    return;
  }
  ++owner.counters_.received_udp;
  stack::arrival from;
  from.source = d.source;
  from.local = d.local;
  const std::uint32_t spoken_to =
      on.local().ip.is_any() ? owner.whole_.own_addresses_.number_of(d.local.ip) : 0U;
  from.flow = {spoken_to << 16 | index, datagram_generation, owner.loop_.index()};
  from.transport = transport_kind::udp;
  from.at = owner.loop_.now();
  owner.bring_home(std::move(d.block), d.size, from);
}

void shard_transport::on_stream_message(block_ref&& block, std::uint32_t size,
                                        const stack::arrival& from) {
  ++counters_.received_stream;
  bring_home(std::move(block), size, from);
}

void shard_transport::on_stream_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                                       const stack::arrival& from) {
  ++counters_.received_stream;
  log_debug("tcp: {} sent what cannot be framed: {}", from.source.to_string(),
            sip::to_string(sip::parse_error{error, 0}));
  if (block) show(direction::in, from.transport, from.local, from.source, {block.data(), size});
  if (user_) user_->on_broken(std::move(block), size, error, from);
}

void shard_transport::bring_home(block_ref&& block, std::uint32_t size,
                                 const stack::arrival& from) {
  if (whole_.shard_count() > 1) {
    const std::uint16_t there = whole_.home_of({block.data(), size}, loop_.index());
    if (there != loop_.index()) {
      ++counters_.handed_over;
      // A copy of the right size travels; the large block stays with its thread.
      whole_.mail_->send(loop_, there,
                         incoming_letter{block_ref::copy_of({block.data(), size}), size, from});
      return;
    }
  }
  deliver(std::move(block), size, from);
}

void shard_transport::deliver(block_ref&& block, std::uint32_t size, const stack::arrival& from) {
  show(direction::in, from.transport, from.local, from.source, {block.data(), size});
  if (user_) user_->on_message(std::move(block), size, from);
}

// --- what goes out

std::uint32_t shard_transport::choose(transport_kind transport,
                                      const ip_address& destination) const noexcept {
  const listener_table& table = whole_.listeners();
  if (whole_.options_.follows_routes) {
    const std::uint32_t routed = table.find(transport, sources_.towards(destination, loop_.now()));
    if (routed != listener_table::none) return routed;
  }
  return table.choose(transport, destination);
}

stack::leaving_way shard_transport::way_for(const stack::target& to,
                                            std::size_t size) const noexcept {
  const std::size_t mtu = whole_.options_.udp_mtu;
  // RFC 3261 18.1.1: only a transport that nobody chose is changed.
  const bool may_change = !is_reliable(to.transport) &&
                          to.choice == stack::transport_choice::open && !to.flow && mtu != 0 &&
                          size > mtu && !to.address.ip.is_multicast();
  if (may_change && !connections_.has_refused(to.address)) {
    stack::target by_stream = to;
    by_stream.transport = for_large_requests;
    const std::string_view sent_by = sent_by_of(by_stream);
    if (!sent_by.empty()) return {for_large_requests, sent_by};
  }
  return {to.transport, sent_by_of(to)};
}

std::string_view shard_transport::sent_by_of(const stack::target& to) const noexcept {
  const listener_table& table = whole_.listeners();
  // The peer of a flow knows the address that it has spoken to (RFC 5658).
  const bool is_datagram = !is_reliable(to.transport);
  std::uint32_t index = listener_table::none;
  if (to.flow) index = is_datagram ? listener_of(to.flow) : stream_listener(to.flow);
  const bool is_named = index < table.size() && table[index].transport == to.transport;
  if (!is_named) index = choose(to.transport, to.address.ip);
  if (index == listener_table::none) return {};
  const listener& l = table[index];
  if (!l.sent_by.empty()) return l.sent_by;
  ip_address source;
  if (is_named && is_datagram) source = whole_.own_addresses_.at(address_of(to.flow));
  if (!source) source = sources_.towards(to.address.ip, loop_.now());
  if (!source) return {};
  try {
    return wildcard_sent_by(source, l);
  } catch (const std::bad_alloc&) {
    return {}; // nothing is sent that nothing could answer
  }
}

std::string_view shard_transport::wildcard_sent_by(const ip_address& source,
                                                   const listener& by) const {
  // Texts are never forgotten while there may be a view of them: there is one for each address of
  // this host and port.
  std::string text = sent_by_text(source, by.address.port, by.transport);
  if (sent_by_texts_.size() >= texts_kept && !sent_by_texts_.contains(text)) return {};
  return *sent_by_texts_.insert(std::move(text)).first;
}

bool shard_transport::is_own_via(std::string_view via) const noexcept {
  // sent-protocol LWS sent-by *( SEMI via-params ). What we wrote comes back as we wrote it.
  const auto protocol_end = via.find(' ');
  const std::string_view sent_by =
      protocol_end == std::string_view::npos
          ? std::string_view{}
          : trim(via.substr(protocol_end, via.find(';', protocol_end) - protocol_end));
  const listener_table& table = whole_.listeners();
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    // A wildcard writes whatever address of this host leads to the next hop.
    if (table[i].address.ip.is_any() || sent_by == table[i].sent_by) return true;
  }
  // Other spellings of the same: case, blanks, the default port written out or left out.
  const auto parsed = sip::via::parse(via);
  if (!parsed) return false;
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    const auto own = sip::host_port::parse(table[i].sent_by);
    const std::uint16_t port = default_port(table[i].transport);
    if (own && sip::equivalent(own->host, parsed->sent_by.host) &&
        own->port.value_or(port) == parsed->sent_by.port.value_or(port))
      return true;
  }
  return false;
}

bool shard_transport::has(transport_kind kind) const noexcept {
  const listener_table& table = whole_.listeners();
  for (std::uint32_t i = 0; i < table.size(); ++i)
    if (table[i].transport == kind) return true;
  return false;
}

void shard_transport::send(const stack::target& to, const stack::wire_message& message,
                           stack::origin on_behalf_of) noexcept {
  try {
    queue(to, message, on_behalf_of);
  } catch (const std::bad_alloc&) {
    to_tell().note_lost();
  }
}

void shard_transport::queue(const stack::target& to, const stack::wire_message& message,
                            stack::origin on_behalf_of) {
  // A peer chooses the ports in its Contact and its Via.
  if (to.address.port == 0 && !(to.flow && is_reliable(to.transport)))
    return note_failure(on_behalf_of, stack::send_error::unreachable);
  switch (connector_of(to.transport).framed) {
  case framing::datagram: return send_datagram(to, message, on_behalf_of);
  case framing::content_length:
    if (queue_on_stream(to, message, on_behalf_of)) return;
    break;
  case framing::none: break;
  }
  // RFC 3261 26.2.2: what asked for TLS never leaves without it.
  log_debug("{}: nothing is sent to {}: this transport is not there", via_token(to.transport),
            to.address.to_string());
  note_failure(on_behalf_of, stack::send_error::unsupported);
}

bool shard_transport::queue_on_stream(const stack::target& to, const stack::wire_message& message,
                                      stack::origin on_behalf_of) {
  if (!to.flow && !connections_.carries(to.transport)) return false;
  if (!to.flow || to.flow.shard == loop_.index()) {
    send_on_stream(to, message, on_behalf_of, loop_.index());
  } else if (to.flow.shard >= whole_.shard_count()) {
    note_failure(on_behalf_of, stack::send_error::closed);
  } else {
    // The block's count belongs to this thread, so the other one gets a copy.
    outgoing_letter l{to, stack::wire_message::copy_of(message.bytes()), on_behalf_of,
                      loop_.index()};
    whole_.mail_->send(loop_, to.flow.shard, std::move(l));
  }
  return true;
}

void shard_transport::send_datagram(const stack::target& to, const stack::wire_message& message,
                                    stack::origin on_behalf_of) {
  std::uint32_t index = listener_of(to.flow);
  ip_address from;
  const bool is_flow = to.flow && index < ports_.size() && ports_[index] &&
                       ports_[index]->socket->local().ip.is_v6() == to.address.ip.is_v6();
  if (is_flow)
    from = whole_.own_addresses_.at(address_of(to.flow));
  else
    index = choose(to.transport, to.address.ip);
  if (index == listener_table::none)
    return note_failure(on_behalf_of, stack::send_error::unreachable);
  ++counters_.sent_udp;
  io::udp_socket& socket = *ports_[index]->socket;
  if (tap_) {
    socket_address local = socket.local();
    if (from) local.ip = from; // a wildcard was spoken to there
    show(direction::out, to.transport, local, to.address, message.bytes());
  }
  socket.send(
      to.address, message.block, message.size,
      {on_behalf_of.slot, on_behalf_of.generation, static_cast<std::uint32_t>(on_behalf_of.of)},
      from, to.ttl);
}

void shard_transport::send_on_stream(const stack::target& to, const stack::wire_message& message,
                                     stack::origin on_behalf_of, std::uint16_t asking_shard) {
  ip_address from;
  if (!to.flow || to.may_reconnect) {
    const std::uint32_t index = choose(to.transport, to.address.ip);
    if (index != listener_table::none) {
      from = whole_.listeners()[index].address.ip;
      if (from.is_any()) from = {};
    }
  }
  ++counters_.sent_stream;
  const socket_address local = connections_.send(to, from, message, on_behalf_of, asking_shard);
  // What no connection has taken is not on the wire.
  if (local.ip) show(direction::out, to.transport, local, to.address, message.bytes());
}

void shard_transport::bind_flow(flow_handle flow, instant until) noexcept {
  if (!flow || flow.generation == datagram_generation || flow.shard >= whole_.shard_count()) return;
  if (flow.shard == loop_.index()) return connections_.bind(flow, until);
  try {
    whole_.mail_->send(loop_, flow.shard, binding_letter{flow, until});
  } catch (const std::bad_alloc&) {
    to_tell().note_lost();
  }
}

void shard_transport::close(flow_handle flow) { connections_.close(flow); }

// --- failures

void shard_transport::udp_port::on_send_failed(io::udp_socket&, const socket_address& to,
                                               io::send_token token, int error) {
  log_debug("udp: nothing leaves for {}: errno {}", to.to_string(), error);
  owner.note_failure({token.a, token.b, static_cast<stack::origin::kind>(token.c)},
                     error_of(error));
}

void shard_transport::udp_port::on_icmp_error(io::udp_socket&, const socket_address& to, int error,
                                              std::string_view quoted) {
  log_debug("udp: {} is not reached: errno {}", to.to_string(), error);
  if (quoted.empty()) return;
  // The kernel gives the error to any of the sockets of that port: the sender may be elsewhere.
  for (std::uint16_t i = 0; i < owner.whole_.shard_count(); ++i) {
    if (i == owner.loop_.index()) continue;
    owner.whole_.mail_->send(
        owner.loop_, i,
        quoted_letter{block_ref::copy_of(quoted), static_cast<std::uint32_t>(quoted.size())});
  }
  owner.report_quoted(quoted);
}

void shard_transport::on_stream_send_error(stack::origin on_behalf_of, std::uint16_t shard,
                                           stack::send_error reason) {
  try {
    if (shard == loop_.index()) return note_failure(on_behalf_of, reason);
    whole_.mail_->send(loop_, shard, failure_letter{on_behalf_of, reason});
  } catch (const std::bad_alloc&) {
    to_tell().note_lost(); // the transaction ends by its timers
  }
}

void shard_transport::note_failure(stack::origin on_behalf_of, stack::send_error reason) {
  ++counters_.send_errors;
  if (on_behalf_of.of == stack::origin::kind::none || failures_.size() >= failures_told) return;
  failures_.push_back({on_behalf_of, reason});
  loop_.at_turn_end(*this);
}

void shard_transport::on_turn_end() {
  std::vector<failure_letter> told;
  told.swap(failures_);
  for (const failure_letter& f : told)
    if (user_) user_->on_send_error(f.on_behalf_of, f.reason);
  to_tell().drain();
  told.clear();
  if (failures_.empty()) failures_.swap(told); // keep the memory
}

std::uint64_t shard_transport::lost_datagrams() const noexcept {
  std::uint64_t lost = 0;
  for (const auto& port : ports_)
    if (port) lost += port->socket->counters().lost;
  return lost;
}

void shard_transport::report_quoted(std::string_view quoted) {
  if (user_) user_->on_datagram_refused(quoted);
}

void shard_transport::show(direction way, transport_kind transport, const socket_address& local,
                           const socket_address& peer, std::string_view bytes) const {
  if (tap_) tap_->on_message({way, transport, local, peer, loop_.now(), bytes});
}

} // namespace tandem::transport

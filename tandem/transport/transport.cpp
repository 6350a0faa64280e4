// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/transport.hpp>

#include <tandem/transport/home.hpp>

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace tandem::transport {

namespace {

[[noreturn]] void refuse(const listen_point& point, std::string_view why) {
  throw std::runtime_error{fmt::format("cannot listen on {}: {}", via_token(point.transport), why)};
}

[[noreturn]] void refuse(const listen_point& point, int error) {
  std::string_view remedy;
  if (error == EADDRINUSE) remedy = "; another program listens there: stop it or take another port";
  if (error == EACCES) remedy = "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  if (error == EADDRNOTAVAIL) remedy = "; this machine does not have that address";
  refuse(point, fmt::format("cannot bind to {}: {}{}", point.address.to_string(),
                            std::strerror(error), remedy));
}

/// With SO_REUSEPORT a second server would share the port unnoticed: before the sockets of several
/// shards are bound, one is bound without it, and closed.
void probe(io::shard& at, const listen_point& point) {
  if (point.address.port == 0) return;
  if (point.transport == transport_kind::udp) {
    io::udp_options alone;
    alone.shares_port = false;
    const auto bound = io::bind_udp(point.address, alone);
    if (!bound) refuse(point, bound.error());
  } else if (point.transport == transport_kind::tcp) {
    const auto bound = io::tcp_listener::listen(at, point.address, [](auto&&, const auto&) {});
    if (!bound) refuse(point, bound.error());
  }
}

} // namespace

transport::transport(io::shard_group& shards, std::vector<listen_point> points,
                     const transport_options& options)
    : options_{options}, key_{hash_key::random()} {
  for (std::uint16_t i = 0; i < shards.size(); ++i)
    parts_.push_back(std::make_unique<shard_transport>(*this, shards[i]));
  const bool is_shared = shards.size() > 1;
  for (std::uint32_t index = 0; index < points.size(); ++index) {
    listen_point& point = points[index];
    if (is_shared) probe(shards[0], point);
    for (auto& part : parts_) {
      switch (point.transport) {
      case transport_kind::udp: {
        // Each socket of a group gets a copy of what is sent to it: one shard listens for all.
        if (point.address.ip.is_multicast() && part != parts_.front()) {
          part->ports_.push_back(nullptr);
          break;
        }
        auto port = std::make_unique<shard_transport::udp_port>(*part, index);
        io::udp_options udp;
        if (point.address.ip.is_multicast()) udp.groups = {point.address.ip};
        udp.shares_port = is_shared;
        auto socket = io::udp_socket::open(part->home_, point.address, *port, udp);
        if (!socket) refuse(point, socket.error());
        port->socket = std::move(*socket);
        point.address = port->socket->local(); // the others take the port that the first one got
        part->ports_.push_back(std::move(port));
        break;
      }
      case transport_kind::tcp: {
        const auto bound = part->connections_.listen(
            point.address, is_shared ? io::port_use::shared : io::port_use::alone, {}, index);
        if (!bound) refuse(point, bound.error());
        point.address = *bound;
        part->ports_.push_back(nullptr);
        break;
      }
      default:
        throw std::runtime_error{fmt::format("cannot listen on {}: this transport is not there yet",
                                             via_token(point.transport))};
      }
    }
  }
  listeners_ = std::make_unique<listener_table>(points);
  mail_ = std::make_unique<io::mailroom<letter>>(
      shards.all(), [this](io::shard& at, letter& l) { open_letter(at, l); });
}

transport::~transport() = default;

std::uint16_t transport::home_of(std::string_view message, std::uint16_t here) const noexcept {
  if (const auto home = home_of_response(message, shard_count(), here)) return *home;
  const std::string_view call_id = find_call_id(message);
  if (call_id.empty()) return here;
  return tandem::transport::home_of(key_, call_id, shard_count());
}

void transport::open_letter(io::shard& at, letter& l) {
  shard_transport& part = *parts_[at.index()];
  if (auto* in = std::get_if<incoming_letter>(&l)) {
    in->from.at = at.now();
    // A block for a block: the store of the one thread would run empty, that of the other over.
    block_ref empty = block_ref::make(in->block.capacity());
    part.deliver(std::exchange(in->block, std::move(empty)), in->size, in->from);
  } else if (auto* out = std::get_if<outgoing_letter>(&l)) {
    const stack::wire_message message = std::move(out->message); // its block stays here
    part.send_on_stream(out->to, message, out->on_behalf_of, out->asking_shard);
  } else if (auto* failure = std::get_if<failure_letter>(&l)) {
    part.note_failure(failure->on_behalf_of, failure->reason);
  } else if (auto* quoted = std::get_if<quoted_letter>(&l)) {
    part.report_quoted({quoted->block.data(), quoted->size});
  } else if (const auto* binding = std::get_if<binding_letter>(&l)) {
    part.connections_.bind(binding->flow, binding->until);
  }
}

} // namespace tandem::transport

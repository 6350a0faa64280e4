// SPDX-License-Identifier: Apache-2.0
// For tests: a small SIP element on real sockets of the loopback, and clients that talk to it. It
// answers OPTIONS with 200 through shard, transport, entrance and transaction layer. Shard 0 and
// the clients run on the test's thread.
#pragma once

#include <tandem/io/connection.hpp>
#include <tandem/io/udp_socket.hpp>
#include <tandem/sip/build.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/via.hpp>
#include <tandem/stack/transaction_layer.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/transport/entrance.hpp>
#include <tandem/transport/transport.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tandem::transport {

/// What one shard runs.
struct element final : stack::request_user {
  element(shard_transport& part, const overload_options& overload)
      : net{part}, layer{part, stack::timer_settings{}}, door{part, layer, overload} {
    layer.set_core(*this);
  }
  void on_request(sip::message& request, const stack::arrival& from) override {
    shards_of_calls[std::string{request.call_id()}].push_back(net.loop().index());
    via = std::string{request.top_via()};
    last = from;
    ++requests;
    const auto top = sip::via::parse(request.top_via());
    if (!top || request.method() == sip::method::ack) return;
    auto response = sip::make_response(request, 200, {}, layer.tag_for(request).view());
    if (!response) return;
    auto [block, size] = response->to_block();
    net.send(stack::response_target(*top, from), {std::move(block), size}, {});
  }
  void on_cancel(stack::server_handle, sip::message&, const stack::arrival&) override {}
  void on_stray_response(sip::message&, const stack::arrival&) override { ++stray_responses; }

  shard_transport& net;
  stack::transaction_layer layer;
  entrance door;
  std::map<std::string, std::vector<std::uint16_t>> shards_of_calls;
  std::string via;
  stack::arrival last;
  int requests = 0;
  int stray_responses = 0;
};

/// The element on all its shards.
struct testbed {
  explicit testbed(unsigned shard_count = 1, const char* at = "127.0.0.1:0",
                   const transport_options& options = {}, const overload_options& overload = {})
      : shards{shard_count}, net{shards, points_at(at), options} {
    for (std::uint16_t i = 0; i < shards.size(); ++i)
      elements.push_back(std::make_unique<element>(net[i], overload));
    shards.start();
  }
  ~testbed() { shards.join(); }

  /// UDP and TCP at each of the addresses, which blanks separate; UDP alone for a group.
  static std::vector<listen_point> points_at(std::string_view at) {
    std::vector<listen_point> points;
    while (!at.empty()) {
      const auto end = std::min(at.find(' '), at.size());
      const auto address = *socket_address::parse(at.substr(0, end));
      at.remove_prefix(std::min(end + 1, at.size()));
      points.push_back({transport_kind::udp, address, {}});
      if (!address.ip.is_multicast()) points.push_back({transport_kind::tcp, address, {}});
    }
    return points;
  }
  [[nodiscard]] const socket_address& udp() const { return net.listeners()[0].address; }
  [[nodiscard]] const socket_address& tcp() const { return net.listeners()[1].address; }
  template <typename Condition>
  bool wait(Condition&& condition, duration limit = seconds{10}) {
    return shards[0].run_until(condition, limit);
  }

  io::shard_group shards;
  transport net;
  std::vector<std::unique_ptr<element>> elements;
};

/// An OPTIONS request; `via` is its sent-by with parameters.
inline std::string options_request(std::string_view call_id, std::string_view transport,
                                   std::string_view via, std::string_view more = {}) {
  return fmt::format("OPTIONS sip:server@127.0.0.1 SIP/2.0\r\n"
                     "Via: SIP/2.0/{} {};branch=z9hG4bK{}\r\n"
                     "Max-Forwards: 70\r\n"
                     "From: <sip:client@127.0.0.1>;tag=1\r\n"
                     "To: <sip:server@127.0.0.1>\r\n"
                     "Call-ID: {}\r\n"
                     "CSeq: 1 OPTIONS\r\n{}"
                     "Content-Length: 0\r\n\r\n",
                     transport, via, call_id, call_id, more);
}

/// A datagram client; `got` has what came, in order.
struct udp_client final : io::datagram_user {
  udp_client(io::shard& loop, const char* at = "127.0.0.1:0")
      : socket{io::udp_socket::open(loop, *socket_address::parse(at), *this).value()} {}
  void on_datagram(io::udp_socket&, io::datagram&& d) override {
    got.emplace_back(d.block.data(), d.size);
    sources.push_back(d.source);
  }
  void on_send_failed(io::udp_socket&, const socket_address&, io::send_token, int) override {}
  void on_icmp_error(io::udp_socket&, const socket_address&, int, std::string_view) override {}
  void say(const socket_address& to, std::string_view text) {
    socket->send(to, block_ref::copy_of(text), static_cast<std::uint32_t>(text.size()));
  }
  std::vector<std::string> got;
  std::vector<socket_address> sources;
  std::unique_ptr<io::udp_socket> socket;
};

/// A stream client; `got` has all that came.
struct tcp_client final : io::connection_handler {
  tcp_client(io::shard& loop, const socket_address& to, const ip_address& from = {})
      : connection{loop, *this} {
    connection.connect(to, {}, {}, from);
  }
  void on_data(std::string_view bytes) override { got += bytes; }
  void on_closed(io::connection_end, std::string_view) override { has_ended = true; }
  void say(std::string_view text) { connection.write(text); }
  [[nodiscard]] std::size_t responses() const {
    std::size_t n = 0;
    for (auto at = got.find("SIP/2.0 "); at != std::string::npos; at = got.find("SIP/2.0 ", at + 1))
      if (at == 0 || got[at - 1] == '\n') ++n;
    return n;
  }
  std::string got;
  bool has_ended = false;
  io::connection connection;
};

} // namespace tandem::transport

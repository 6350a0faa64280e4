// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connections.hpp>

#include <tandem/io/bound_address.hpp>
#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/raw_peer_for_test.hpp>

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace tandem::transport {
namespace {

/// Writes down what the connections report.
struct owner final : stream_owner {
  void on_stream_message(block_ref&& block, std::uint32_t size,
                         const stack::arrival& from) override {
    messages.emplace_back(block.data(), size);
    last = from;
  }
  void on_stream_broken(block_ref&&, std::uint32_t, sip::parse_errc,
                        const stack::arrival&) override {}
  void on_stream_ping() override {}
  void on_stream_send_error(stack::origin of, std::uint16_t, stack::send_error why) override {
    failed.emplace_back(of, why);
  }
  std::vector<std::string> messages;
  stack::arrival last;
  std::vector<std::pair<stack::origin, stack::send_error>> failed;
};

const stack::origin somebody{7, 1, stack::origin::kind::client};

std::string message(std::string_view name) {
  return "OPTIONS sip:" + std::string{name} + " SIP/2.0\r\nContent-Length: 0\r\n\r\n";
}

TEST(connections, what_waits_in_one_that_makes_room_for_another_is_reported) {
  io::shard loop;
  owner user;
  transport_options options;
  options.connections = 1;
  connections all{loop, user, options};
  const auto at =
      all.listen(transport_kind::tcp, *socket_address::parse("127.0.0.1:0"), io::port_use::alone);
  ASSERT_TRUE(at) << at.error();
  const io::raw_peer_for_test silent{*at};
  ASSERT_TRUE(loop.run_until([&] { return all.size() == 1; }));
  const io::raw_peer_for_test next{*at}; // it will be accepted before the message leaves
  stack::target to;
  to.address = io::bound_address(silent.fd());
  to.transport = transport_kind::tcp;
  all.send(to, {}, stack::wire_message::copy_of("OPTIONS"), somebody, 0);
  EXPECT_TRUE(user.failed.empty()) << "never from inside";
  ASSERT_TRUE(loop.run_until([&] { return !user.failed.empty(); }));
  EXPECT_EQ(user.failed, (std::vector{std::pair{somebody, stack::send_error::closed}}));
  EXPECT_EQ(all.size(), 1U);
}

TEST(connections, remember_a_bounded_number_of_those_who_refused_and_forget_the_oldest) {
  io::shard loop;
  owner user;
  const transport_options options;
  connections all{loop, user, options};
  const auto peer = [](unsigned n) { // nobody listens at these
    return socket_address{
        ip_address::v4(127, 1, static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)),
        1};
  };
  const auto is_remembered = [&](unsigned n) { return all.has_refused(peer(n)); };
  const auto be_refused = [&](unsigned first, unsigned end) {
    for (unsigned n = first; n < end; ++n) {
      stack::target to;
      to.address = peer(n);
      to.transport = transport_kind::tcp;
      all.send(to, {}, stack::wire_message::copy_of(message("x")), somebody, 0);
    }
    return loop.run_until([&] { return user.failed.size() == end; });
  };
  constexpr unsigned bound = 4'096;
  ASSERT_TRUE(be_refused(0, 1));
  ASSERT_TRUE(is_remembered(0));
  for (unsigned n = 1; n < bound; n += 63) ASSERT_TRUE(be_refused(n, std::min(n + 63, bound)));
  unsigned remembered = 0;
  for (unsigned n = 0; n < bound; ++n) remembered += is_remembered(n) ? 1 : 0;
  EXPECT_EQ(remembered, bound);
  ASSERT_TRUE(be_refused(bound, bound + 1));
  EXPECT_TRUE(is_remembered(bound));
  EXPECT_FALSE(is_remembered(0)) << "the oldest one makes room";
  for (unsigned n = 1; n < bound; ++n) EXPECT_TRUE(is_remembered(n)) << n;
}

/// One element that listens, with TLS and without, and one that connects to it.
struct connections_by_key : testing::Test {
  connections_by_key() {
    const auto tls = io::tls_context::server(
        {.certificate_file = certificates / "server.pem", .key_file = certificates / "server.key"});
    const auto any = *socket_address::parse("127.0.0.1:0");
    at_tls = server.listen(transport_kind::tls, any, io::port_use::alone, tls.value()).value();
    at_tcp = server.listen(transport_kind::tcp, any, io::port_use::alone).value();
    client.use_tls(io::tls_context::client({.ca_file = certificates / "ca.pem"}).value());
  }
  [[nodiscard]] stack::target tls_target(std::string_view name) const {
    stack::target to;
    to.address = at_tls;
    to.transport = transport_kind::tls;
    to.server_name = stack::server_name{name};
    return to;
  }
  void send(const stack::target& to, std::string_view name = "x") {
    client.send(to, {}, stack::wire_message::copy_of(message(name)), somebody, 0);
  }
  stack::send_error failure_of(const stack::target& to) {
    client_user.failed.clear();
    send(to, "never");
    EXPECT_TRUE(client_user.failed.empty()) << "never from inside";
    EXPECT_TRUE(loop.run_until([&] { return !client_user.failed.empty(); }));
    return client_user.failed.back().second;
  }
  [[nodiscard]] bool arrive(std::size_t messages) {
    return loop.run_until([&] { return server_user.messages.size() == messages; });
  }

  io::certificates_for_test certificates;
  io::shard loop;
  owner server_user;
  owner client_user;
  transport_options options;
  connections server{loop, server_user, options};
  connections client{loop, client_user, options};
  socket_address at_tls;
  socket_address at_tcp;
};

TEST_F(connections_by_key, never_listen_in_the_clear_for_what_is_to_be_secure_rfc3261_26_2_2) {
  const auto any = *socket_address::parse("127.0.0.1:0");
  const auto in_the_clear = server.listen(transport_kind::tls, any, io::port_use::alone);
  ASSERT_FALSE(in_the_clear);
  EXPECT_EQ(in_the_clear.error(), "tls needs a certificate");
  const auto tls = io::tls_context::server(
      {.certificate_file = certificates / "server.pem", .key_file = certificates / "server.key"});
  const auto not_secure = server.listen(transport_kind::tcp, any, io::port_use::alone, tls.value());
  ASSERT_FALSE(not_secure);
  EXPECT_EQ(not_secure.error(), "tcp has no use for a certificate");
}

struct handshakes : connections_by_key {
  handshakes() {
    options.handshakes_per_source = 3;
    options.handshakes = 5;
  }
  /// Connects from there and says nothing. \return whether it is still there a moment later
  void connect(const char* from) {
    stuck.push_back(std::make_unique<io::connection>(loop, quiet));
    const std::size_t before = server.size();
    stuck.back()->connect(at_tls, {}, {}, *ip_address::parse(from));
    last_was_taken = loop.run_until([&] {
      return server.size() > before || !stuck.back()->is_open();
    }) && stuck.back()->is_open();
  }
  struct quiet_peer final : io::connection_handler {
    void on_data(std::string_view) override {}
    void on_closed(io::connection_end, std::string_view) override { ++ended; }
    int ended = 0;
  } quiet;
  std::vector<std::unique_ptr<io::connection>> stuck;
  bool last_was_taken = false;
};

TEST_F(handshakes, that_are_stuck_are_bounded_for_each_source_and_keep_nobody_else_out) {
  for (int i = 0; i < 3; ++i) {
    connect("127.0.0.2");
    EXPECT_TRUE(last_was_taken) << i;
  }
  connect("127.0.0.2");
  EXPECT_FALSE(last_was_taken) << "that source has its share";
  send(tls_target("localhost"), "by another one");
  EXPECT_TRUE(arrive(1));
  for (int i = 0; i < 4; ++i) send(tls_target("localhost"), "again"); // not a handshake any more
  EXPECT_TRUE(arrive(5));
}

TEST_F(handshakes, beyond_the_bound_of_all_the_oldest_makes_room) {
  for (int i = 0; i < 5; ++i) connect(i < 3 ? "127.0.0.2" : "127.0.0.3");
  EXPECT_EQ(quiet.ended, 0);
  send(tls_target("localhost"), "an honest one");
  EXPECT_TRUE(arrive(1));
  EXPECT_TRUE(loop.run_until([&] { return quiet.ended == 1; }));
  EXPECT_FALSE(stuck[0]->is_open());
  EXPECT_TRUE(stuck[1]->is_open());
}

TEST_F(handshakes, of_a_source_that_is_refused_push_out_nobody) {
  options.connections_per_source = 2;
  for (int i = 0; i < 5; ++i) connect(i == 0 ? "127.0.0.2" : i < 3 ? "127.0.0.3" : "127.0.0.4");
  connect("127.0.0.3"); // it has two connections, and one handshake more would be its third
  EXPECT_FALSE(last_was_taken);
  EXPECT_TRUE(stuck[0]->is_open());
  EXPECT_EQ(server.size(), 5U);
}

TEST_F(connections_by_key, keep_their_certificates_while_new_ones_are_shown_others) {
  send(tls_target("localhost"));
  ASSERT_TRUE(arrive(1));
  certificates.add_server("renewed.example");
  server.renew_tls(
      io::tls_context::server({.certificate_file = certificates / "renewed.example.pem",
                               .key_file = certificates / "renewed.example.key"})
          .value());
  send(tls_target("localhost")); // by the connection that is there
  ASSERT_TRUE(arrive(2));
  EXPECT_EQ(server.size(), 1U);
  EXPECT_EQ(failure_of(tls_target("127.0.0.1")), stack::send_error::unreachable);
  send(tls_target("renewed.example"));
  EXPECT_TRUE(arrive(3));
}

TEST_F(connections_by_key, carry_sip_over_tls_both_ways) {
  send(tls_target("localhost"), "question");
  ASSERT_TRUE(arrive(1));
  EXPECT_EQ(server_user.messages.back(), message("question"));
  EXPECT_EQ(server_user.last.transport, transport_kind::tls);
  stack::target back;
  back.flow = server_user.last.flow;
  back.transport = transport_kind::tls;
  server.send(back, {}, stack::wire_message::copy_of(message("answer")), {}, 0);
  ASSERT_TRUE(loop.run_until([&] { return !client_user.messages.empty(); }));
  EXPECT_EQ(client_user.messages.back(), message("answer"));
  EXPECT_EQ(client_user.last.transport, transport_kind::tls);
  EXPECT_EQ(client_user.last.source, at_tls);
}

// RFC 5923 8.1: an alias is good for the names that its certificate proved.
TEST_F(connections_by_key, share_one_for_a_name_and_never_one_for_another_name_at_its_address) {
  send(tls_target("localhost"));
  send(tls_target("LocalHost"));
  ASSERT_TRUE(arrive(2));
  EXPECT_EQ(client.size(), 1U);
  send(tls_target("127.0.0.1")); // its certificate holds it, too
  ASSERT_TRUE(arrive(3));
  EXPECT_EQ(client.size(), 2U);
  send(tls_target("localhost"));
  ASSERT_TRUE(arrive(4));
  EXPECT_EQ(client.size(), 2U);
}

TEST_F(connections_by_key, send_nothing_to_a_peer_that_does_not_prove_the_name) {
  send(tls_target("localhost"));
  ASSERT_TRUE(arrive(1));
  EXPECT_EQ(failure_of(tls_target("example.net")), stack::send_error::unreachable);
  EXPECT_EQ(failure_of(tls_target("")), stack::send_error::unreachable);
  EXPECT_EQ(server_user.messages.size(), 1U);
}

/// A listener that asks for certificates, and a peer that has one and listens, too.
struct connections_of_proven_peers : testing::Test {
  connections_of_proven_peers() {
    certificates.add_server("peer.example");
    const auto any = *socket_address::parse("127.0.0.1:0");
    const auto own = [&](const char* name, const std::string& ca) {
      return io::tls_context::server(
                 {.certificate_file = certificates / (name + std::string{".pem"}),
                  .key_file = certificates / (name + std::string{".key"}),
                  .client_ca_file = ca})
          .value();
    };
    at = server
             .listen(transport_kind::tls, any, io::port_use::alone,
                     own("server", certificates / "ca.pem"))
             .value();
    at_lax =
        server.listen(transport_kind::tls, any, io::port_use::alone, own("server", {})).value();
    server.use_tls(io::tls_context::client({.ca_file = certificates / "ca.pem"}).value());
    peer_at =
        peer.listen(transport_kind::tls, any, io::port_use::alone, own("peer.example", {})).value();
    peer.use_tls(io::tls_context::client({.ca_file = certificates / "ca.pem",
                                          .certificate_file = certificates / "peer.example.pem",
                                          .key_file = certificates / "peer.example.key"})
                     .value());
  }
  /// The peer says this in a request over a connection that it opens.
  void introduce(const socket_address& to, const std::string& via) {
    stack::target where;
    where.address = to;
    where.transport = transport_kind::tls;
    where.server_name = stack::server_name{"localhost"};
    peer.send(where, {},
              stack::wire_message::copy_of("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TLS " + via +
                                           ";branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"),
              {}, 0);
    const auto before = server_user.messages.size();
    ASSERT_TRUE(loop.run_until([&] { return server_user.messages.size() == before + 1; }));
  }
  /// Whether a request to the peer takes the connection that the peer has opened.
  bool takes_it(const std::string& name, const socket_address& address) {
    const auto connections_before = peer.size();
    const auto messages_before = peer_user.messages.size();
    stack::target to;
    to.address = address;
    to.transport = transport_kind::tls;
    to.server_name = stack::server_name{name};
    server.send(to, {}, stack::wire_message::copy_of(message("back")), somebody, 0);
    EXPECT_TRUE(loop.run_until([&] {
      return peer_user.messages.size() > messages_before || !server_user.failed.empty();
    }));
    return peer_user.messages.size() > messages_before && peer.size() == connections_before;
  }
  [[nodiscard]] std::string listening() const { return ":" + std::to_string(peer_at.port); }

  io::certificates_for_test certificates;
  io::shard loop;
  owner server_user;
  owner peer_user;
  transport_options options;
  connections server{loop, server_user, options};
  connections peer{loop, peer_user, options};
  socket_address at;
  socket_address at_lax; ///< asks for no certificate
  socket_address peer_at;
};

// RFC 5923 5, 8.2
TEST_F(connections_of_proven_peers, lead_back_to_where_the_peer_listens_if_it_offers_that) {
  introduce(at, "peer.example" + listening() + ";alias");
  EXPECT_TRUE(takes_it("peer.example", peer_at));
  EXPECT_TRUE(takes_it("PEER.example", peer_at));
  EXPECT_FALSE(takes_it("localhost", peer_at)) << "another name at that address";
  const socket_address elsewhere{peer_at.ip, static_cast<std::uint16_t>(peer_at.port ^ 1U)};
  EXPECT_FALSE(takes_it("peer.example", elsewhere)) << "another port";
}

TEST_F(connections_of_proven_peers,
       lead_to_the_port_5061_where_the_via_names_none_rfc_3261_19_1_2) {
  introduce(at, "peer.example;alias");
  EXPECT_TRUE(takes_it("peer.example", {peer_at.ip, 5061}));
}

// RFC 5923 9.2
TEST_F(connections_of_proven_peers, lead_nowhere_that_the_peer_does_not_offer) {
  introduce(at, "peer.example" + listening());
  EXPECT_FALSE(takes_it("peer.example", peer_at)) << "not offered";
}

TEST_F(connections_of_proven_peers, lead_nowhere_for_a_name_that_the_certificate_does_not_hold) {
  introduce(at, "other.example" + listening() + ";alias");
  EXPECT_FALSE(takes_it("other.example", peer_at));
}

TEST_F(connections_of_proven_peers, lead_nowhere_where_no_certificate_was_asked_for) {
  introduce(at_lax, "peer.example" + listening() + ";alias");
  EXPECT_FALSE(takes_it("peer.example", peer_at));
}

TEST_F(connections_of_proven_peers, are_opened_anew_when_the_one_that_was_offered_has_gone) {
  introduce(at, "peer.example" + listening() + ";alias");
  server.close(server_user.last.flow);
  ASSERT_TRUE(loop.run_until([&] { return server.size() == 0 && peer.size() == 0; }));
  EXPECT_FALSE(takes_it("peer.example", peer_at));
  EXPECT_EQ(peer_user.messages.size(), 1U);
}

// RFC 3261 26.2.2
TEST_F(connections_by_key, never_take_tcp_for_tls) {
  stack::target plain = tls_target("");
  plain.transport = transport_kind::tcp;
  send(plain); // TCP to the port that speaks TLS
  EXPECT_EQ(client.size(), 1U);
  send(tls_target("localhost"), "by tls");
  EXPECT_EQ(client.size(), 2U);
  ASSERT_TRUE(arrive(1));
  EXPECT_EQ(server_user.messages.back(), message("by tls"));

  plain.address = at_tcp;
  send(plain, "by tcp");
  ASSERT_TRUE(arrive(2));
  stack::target back; // a flow of TCP, named for TLS
  back.flow = server_user.last.flow;
  back.transport = transport_kind::tls;
  server.send(back, {}, stack::wire_message::copy_of(message("secret")), somebody, 0);
  ASSERT_TRUE(loop.run_until([&] { return !server_user.failed.empty(); }));
  EXPECT_EQ(server_user.failed.back().second, stack::send_error::closed);
}

TEST_F(connections_by_key, know_which_transports_they_carry) {
  EXPECT_TRUE(client.carries(transport_kind::tls));
  EXPECT_FALSE(server.carries(transport_kind::tls)) << "it has nothing to verify a server by";
  EXPECT_TRUE(server.carries(transport_kind::tcp));
  EXPECT_FALSE(client.carries(transport_kind::wss));
  stack::target absent = tls_target("localhost");
  absent.transport = transport_kind::wss;
  EXPECT_EQ(failure_of(absent), stack::send_error::unsupported);
}

} // namespace
} // namespace tandem::transport

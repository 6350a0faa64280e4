// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/testbed_for_test.hpp>

#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <thread>

namespace tandem::transport {
namespace {

stack::wire_message text(std::string_view bytes) { return stack::wire_message::copy_of(bytes); }

stack::target udp_target(const socket_address& to) {
  stack::target t;
  t.address = to;
  return t;
}

stack::target tcp_target(const socket_address& to) {
  stack::target t;
  t.address = to;
  t.transport = transport_kind::tcp;
  return t;
}

TEST(transport, answers_options_over_udp_of_both_families) {
  for (const char* at : {"127.0.0.1:0", "[::1]:0"}) {
    testbed bed{1, at};
    udp_client client{bed.shards[0], at};
    client.say(bed.udp(),
               options_request("a", "UDP", client.socket->local().to_string() + ";rport"));
    ASSERT_TRUE(bed.wait([&] { return client.got.size() == 1; }));
    EXPECT_TRUE(client.got[0].starts_with("SIP/2.0 200 ")) << client.got[0];
    EXPECT_EQ(client.sources[0], bed.udp());
    // RFC 3581 4: rport filled, and received with it.
    const auto via = sip::via::parse(bed.elements[0]->via);
    ASSERT_TRUE(via);
    EXPECT_EQ(via->rport(), client.socket->local().port);
    EXPECT_EQ(via->params.value("received"), client.socket->local().ip.to_string());
    EXPECT_EQ(bed.elements[0]->last.local, bed.udp());
  }
}

// RFC 3261 18.2.1, 18.2.2
TEST(transport, adds_received_where_sent_by_differs_and_answers_to_the_sent_by_port) {
  testbed bed;
  udp_client client{bed.shards[0]};
  udp_client named{bed.shards[0]};
  const std::uint16_t port = named.socket->local().port;
  client.say(bed.udp(), options_request("a", "UDP", fmt::format("client.example.com:{}", port)));
  ASSERT_TRUE(bed.wait([&] { return named.got.size() == 1; }));
  EXPECT_NE(named.got[0].find(";received=127.0.0.1"), std::string::npos);
  EXPECT_EQ(named.got[0].find("rport"), std::string::npos);
  client.say(bed.udp(), options_request("b", "UDP", fmt::format("127.0.0.1:{}", port)));
  ASSERT_TRUE(bed.wait([&] { return named.got.size() == 2; }));
  EXPECT_EQ(named.got[1].find("received"), std::string::npos) << "it would say nothing new";
  EXPECT_TRUE(client.got.empty());
}

TEST(transport, a_wildcard_answers_from_the_address_it_was_spoken_to) {
  testbed bed{1, "0.0.0.0:0"};
  udp_client client{bed.shards[0]};
  const socket_address there{ip_address::v4(127, 0, 0, 9), bed.udp().port};
  client.say(there, options_request("a", "UDP", "127.0.0.1;rport"));
  ASSERT_TRUE(bed.wait([&] { return client.got.size() == 1; }));
  EXPECT_EQ(client.sources[0], there);
  EXPECT_EQ(bed.elements[0]->last.local, there);
  auto to = udp_target(client.socket->local());
  EXPECT_EQ(bed.net[0].sent_by(to), fmt::format("127.0.0.1:{}", bed.udp().port));
  to.flow = bed.elements[0]->last.flow;
  EXPECT_EQ(bed.net[0].sent_by(to), fmt::format("127.0.0.9:{}", bed.udp().port));
}

TEST(transport, brings_all_messages_of_a_call_to_one_shard_in_their_order) {
  // A machine that is busy with other things must not be taken for an overloaded server.
  const overload_options patient{.lag = seconds{600}, .requests_per_source = 0};
  for (const unsigned shards : {1U, 2U, 3U}) {
    testbed bed{shards, "127.0.0.1:0", {}, patient};
    constexpr int clients = 24;
    constexpr int calls = 8;
    std::vector<std::unique_ptr<udp_client>> all;
    for (int i = 0; i < clients; ++i) all.push_back(std::make_unique<udp_client>(bed.shards[0]));
    tcp_client stream{bed.shards[0], bed.tcp()};
    for (int i = 0; i < clients; ++i)
      for (int call = 0; call < calls; ++call) {
        auto request =
            options_request(fmt::format("call{}", call), "UDP",
                            all[static_cast<std::size_t>(i)]->socket->local().to_string());
        request.replace(request.find("z9hG4bK"), 7, fmt::format("z9hG4bK{}.", i));
        all[static_cast<std::size_t>(i)]->say(bed.udp(), request);
      }
    for (int call = 0; call < calls; ++call)
      stream.say(options_request(fmt::format("call{}", call), "TCP", "127.0.0.1"));
    ASSERT_TRUE(bed.wait([&] {
      return stream.responses() == calls && std::all_of(all.begin(), all.end(), [&](auto& c) {
               return c->got.size() == std::size_t{calls};
             });
    })) << shards;
    bed.shards.join();
    std::map<std::string, std::uint16_t> homes;
    std::size_t seen = 0;
    for (const auto& e : bed.elements)
      for (const auto& [call, where] : e->shards_of_calls) {
        EXPECT_TRUE(homes.emplace(call, where.front()).second) << call << " has two homes";
        seen += where.size();
      }
    EXPECT_EQ(seen, static_cast<std::size_t>((clients + 1) * calls));
  }
}

TEST(transport, frames_streams_split_at_every_byte) {
  testbed bed{2};
  const std::string request = options_request("a", "TCP", "127.0.0.1", "Subject: split\r\n");
  const std::string two = request + "\r\n\r\n" + request;
  tcp_client client{bed.shards[0], bed.tcp()};
  std::size_t expected = 0;
  for (std::size_t cut = 1; cut < two.size(); ++cut) {
    client.say(std::string_view{two}.substr(0, cut));
    bool has_passed = false;
    bed.shards[0].post([&] { has_passed = true; });
    ASSERT_TRUE(bed.wait([&] { return has_passed; }));
    client.say(std::string_view{two}.substr(cut));
    expected += 2;
    if (cut % 32 == 0 || cut + 1 == two.size()) {
      ASSERT_TRUE(bed.wait([&] { return client.responses() == expected; })) << cut;
    }
  }
  EXPECT_FALSE(client.has_ended);
}

// RFC 5658: what is recorded of a route is the address that the peer has spoken to, whichever shard
// writes it.
TEST(transport, a_connection_is_named_by_the_listener_that_it_came_to) {
  for (const std::uint32_t listener : {1U, 3U}) {
    testbed bed{2, "127.0.0.1:0 127.0.0.1:0"};
    const socket_address at = bed.net.listeners()[listener].address;
    tcp_client client{bed.shards[0], at};
    client.say(options_request("named", "TCP", "127.0.0.1"));
    ASSERT_TRUE(bed.wait([&] { return client.responses() == 1; }));
    bed.shards.join();
    stack::target back;
    for (const auto& one : bed.elements) {
      if (one->requests == 0) continue;
      back.address = one->last.source;
      back.transport = one->last.transport;
      back.flow = one->last.flow;
    }
    ASSERT_TRUE(back.flow);
    for (const auto& one : bed.elements) EXPECT_EQ(one->net.sent_by(back), at.to_string());
  }
}

TEST(transport, answers_keep_alives_of_both_transports) {
  testbed bed;
  udp_client udp{bed.shards[0]};
  udp.say(bed.udp(), "\r\n\r\n");
  ASSERT_TRUE(bed.wait([&] { return udp.got.size() == 1; }));
  EXPECT_EQ(udp.got[0], "\r\n");
  for (const char* quiet : {"\r\n", "", "\n", "\r\n\r\n\r\n"}) udp.say(bed.udp(), quiet);
  tcp_client tcp{bed.shards[0], bed.tcp()};
  for (const char* piece : {"\r", "\n", "\r", "\n", "\r\n\r\n"}) {
    tcp.say(piece);
    bool has_passed = false;
    bed.shards[0].post([&] { has_passed = true; });
    ASSERT_TRUE(bed.wait([&] { return has_passed; }));
  }
  ASSERT_TRUE(bed.wait([&] { return tcp.got == "\r\n\r\n"; }));
  EXPECT_EQ(udp.got.size(), 1U);
  EXPECT_EQ(bed.net[0].counters().pings, 3U);
}

TEST(transport, answers_requests_that_are_broken_but_can_be_answered) {
  testbed bed;
  udp_client client{bed.shards[0]};
  const std::string via = client.socket->local().to_string();
  std::string no_cseq = options_request("a", "UDP", via);
  no_cseq.erase(no_cseq.find("CSeq"), std::string_view{"CSeq: 1 OPTIONS\r\n"}.size());
  client.say(bed.udp(), no_cseq);
  ASSERT_TRUE(bed.wait([&] { return client.got.size() == 1; }));
  EXPECT_TRUE(client.got[0].starts_with("SIP/2.0 400 ")) << client.got[0];

  std::string version = options_request("b", "UDP", via);
  version.replace(version.find("SIP/2.0\r\n"), 7, "SIP/7.0");
  client.say(bed.udp(), version);
  ASSERT_TRUE(bed.wait([&] { return client.got.size() == 2; }));
  EXPECT_TRUE(client.got[1].starts_with("SIP/2.0 505 ")) << client.got[1];

  // No answer to what has no Via, to an ACK, to a response, to noise.
  std::string no_via = options_request("c", "UDP", via);
  no_via.erase(no_via.find("Via"), no_via.find("Max-Forwards") - no_via.find("Via"));
  std::string ack = no_cseq;
  ack.replace(0, 7, "ACK");
  for (const auto& silent : {no_via, ack, std::string{"SIP/2.0 200 OK\r\n\r\n"},
                             std::string{"noise"}, std::string(1'000, '\0')})
    client.say(bed.udp(), silent);
  client.say(bed.udp(), options_request("d", "UDP", via));
  ASSERT_TRUE(bed.wait([&] { return client.got.size() == 3; }));
  EXPECT_TRUE(client.got[2].starts_with("SIP/2.0 200 "));
  EXPECT_EQ(bed.elements[0]->requests, 1);
}

TEST(transport, answers_513_to_a_stream_message_that_is_too_large_and_closes) {
  testbed bed;
  tcp_client client{bed.shards[0], bed.tcp()};
  std::string request = options_request("a", "TCP", "127.0.0.1");
  request.replace(request.find("Content-Length: 0"), 17, "Content-Length: 70000");
  client.say(request);
  ASSERT_TRUE(bed.wait([&] { return client.has_ended; }));
  EXPECT_TRUE(client.got.starts_with("SIP/2.0 513 ")) << client.got;
}

TEST(transport, closes_a_stream_that_has_lost_its_frames) {
  testbed bed;
  tcp_client client{bed.shards[0], bed.tcp()};
  std::string request = options_request("a", "TCP", "127.0.0.1");
  request.replace(request.find("Content-Length: 0"), 17, "Content-Length: x");
  client.say(request + "and so on");
  ASSERT_TRUE(bed.wait([&] { return client.has_ended; }));
  EXPECT_TRUE(client.got.starts_with("SIP/2.0 400 ")) << client.got;
  EXPECT_TRUE(bed.wait([&] { return bed.net[0].connection_count() == 0; }));
}

/// A 200 to an OPTIONS that left with this sent-by.
std::string response_to(std::string_view sent_by) {
  return fmt::format("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKx\r\n"
                     "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: e\r\n"
                     "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                     sent_by);
}

// RFC 3261 18.1.2
TEST(transport, drops_responses_whose_top_via_is_not_ours) {
  testbed bed;
  udp_client client{bed.shards[0]};
  client.say(bed.udp(), response_to("192.0.2.1:5060"));
  client.say(bed.udp(), response_to("127.0.0.1"));
  client.say(bed.udp(), response_to(bed.udp().to_string()));
  client.say(bed.udp(), response_to(fmt::format("127.0.0.1 : {}", bed.udp().port)));
  ASSERT_TRUE(bed.wait([&] { return bed.elements[0]->stray_responses == 2; }));
  EXPECT_EQ(bed.elements[0]->door.counters().misrouted, 2U);
}

TEST(transport, refuses_to_share_a_port_with_another_server) {
  for (const unsigned shards : {1U, 2U}) {
    testbed bed{shards};
    for (const auto& taken : {listen_point{transport_kind::udp, bed.udp(), {}},
                              listen_point{transport_kind::tcp, bed.tcp(), {}}}) {
      io::shard_group others{2};
      EXPECT_THROW((transport{others, {taken}}), std::runtime_error);
    }
  }
}

/// Notes what the layer above is told.
struct listening_user final : message_user {
  void on_message(block_ref&& block, std::uint32_t size, const stack::arrival& at) override {
    messages.emplace_back(block.data(), size);
    from = at;
  }
  void on_broken(block_ref&&, std::uint32_t, sip::parse_errc, const stack::arrival&) override {}
  void on_send_error(stack::origin o, stack::send_error reason) override {
    errors.emplace_back(o.slot, reason);
  }
  void on_datagram_refused(std::string_view bytes) override { quoted = bytes; }
  std::vector<std::string> messages;
  stack::arrival from;
  std::vector<std::pair<std::uint32_t, stack::send_error>> errors;
  std::string quoted;
};

struct sending : testing::Test {
  explicit sending(const transport_options& options = {})
      : net{shards, testbed::points_at("127.0.0.1:0"), options} {
    net[0].set_user(&user);
  }
  template <typename Condition>
  bool wait(Condition&& condition) {
    return shards[0].run_until(condition);
  }
  static stack::origin somebody(std::uint32_t slot) {
    return {slot, 1, stack::origin::kind::client};
  }
  const io::closed_port_for_test nobody;
  io::shard_group shards{1};
  transport net;
  listening_user user;
};

TEST_F(sending, tells_of_an_icmp_error_by_what_it_quotes) {
  net[0].send(udp_target(nobody.address()), text("INVITE sip:gone SIP/2.0\r\n"), somebody(5));
  ASSERT_TRUE(wait([&] { return !user.quoted.empty(); }));
  EXPECT_EQ(user.quoted, "INVITE sip:gone SIP/2.0\r\n");
}

TEST_F(sending, uses_one_connection_for_all_messages_to_a_peer_and_for_its_answers) {
  testbed bed;
  std::thread peer{[&] { bed.shards[0].run(); }};
  for (const char* id : {"a", "b", "c"})
    net[0].send(tcp_target(bed.tcp()), text(options_request(id, "TCP", "127.0.0.1")), somebody(1));
  EXPECT_EQ(net[0].connection_count(), 1U);
  ASSERT_TRUE(wait([&] { return user.messages.size() == 3; }));
  EXPECT_EQ(net[0].connection_count(), 1U);
  EXPECT_EQ(user.from.transport, transport_kind::tcp);
  EXPECT_EQ(user.from.source, bed.tcp());

  // By its flow the peer is reached again; a flow that is gone is told, not replaced.
  auto to = tcp_target(*socket_address::parse("127.0.0.1:9"));
  to.flow = user.from.flow;
  net[0].send(to, text(options_request("d", "TCP", "127.0.0.1")), somebody(2));
  ASSERT_TRUE(wait([&] { return user.messages.size() == 4; }));
  net[0].close(user.from.flow);
  ASSERT_TRUE(wait([&] { return net[0].connection_count() == 0; }));
  net[0].send(to, text("x"), somebody(3));
  ASSERT_TRUE(wait([&] { return user.errors.size() == 1; }));
  EXPECT_EQ(user.errors[0], std::pair(3U, stack::send_error::closed));
  bed.shards.stop();
  peer.join();
}

/// A server that is spoken to over TLS.
struct tls_server final : io::connection_handler {
  tls_server(io::shard& loop, const io::certificates_for_test& certificates)
      : connection{loop, *this}, tls{io::tls_context::server(
                                         {.certificate_file = certificates / "server.pem",
                                          .key_file = certificates / "server.key"})
                                         .value()} {
    listener = io::tcp_listener::listen(loop, *socket_address::parse("127.0.0.1:0"),
                                        [this](io::unique_fd fd, const socket_address& peer) {
                                          connection.accept(std::move(fd), peer, tls);
                                        })
                   .value();
  }
  void on_data(std::string_view bytes) override { got += bytes; }
  void on_closed(io::connection_end, std::string_view) override {}
  io::connection connection;
  io::tls_context tls;
  std::unique_ptr<io::tcp_listener> listener;
  std::string got;
};

// RFC 5922 7: without the name, the other shard could verify nothing.
TEST(sending_by_tls, takes_the_server_name_along_to_the_shard_that_opens_the_connection) {
  const io::certificates_for_test certificates;
  io::shard_group shards{2};
  transport net{shards, testbed::points_at("127.0.0.1:0")};
  listening_user user;
  tls_server server{shards[0], certificates};
  for (const std::size_t i : {0U, 1U}) {
    net[i].set_user(&user);
    net[i].use_tls(io::tls_context::client({.ca_file = certificates / "ca.pem"}).value());
  }
  shards.start();
  stack::target to;
  to.address = server.listener->address();
  to.transport = transport_kind::tls;
  to.flow = {4'711, 1, 1}; // of the other shard, and gone
  to.may_reconnect = true;
  to.server_name = stack::server_name{"localhost"};
  net[0].send(to, stack::wire_message::copy_of("hello"), {});
  EXPECT_TRUE(shards[0].run_until([&] { return server.got == "hello"; }));
  to.server_name = stack::server_name{"example.net"};
  net[0].send(to, stack::wire_message::copy_of("never"), {7, 1, stack::origin::kind::client});
  EXPECT_TRUE(shards[0].run_until([&] { return !user.errors.empty(); }));
  EXPECT_EQ(user.errors.back(), std::pair(7U, stack::send_error::unreachable));
  shards.join();
  EXPECT_EQ(server.got, "hello");
}

// RFC 3261 18.1.1
TEST_F(sending, takes_tcp_for_what_is_too_large_until_tcp_is_refused) {
  auto to = udp_target(nobody.address());
  EXPECT_EQ(net[0].way_for(to, 2'000).transport, transport_kind::udp) << "the URI chose UDP";
  to.choice = stack::transport_choice::open;
  EXPECT_EQ(net[0].way_for(to, 1'300).transport, transport_kind::udp);
  EXPECT_EQ(net[0].way_for(to, 1'301).transport, transport_kind::tcp);
  auto learned = to;
  learned.flow = {0, 0xffffffff, 0};
  EXPECT_EQ(net[0].way_for(learned, 2'000).transport, transport_kind::udp) << "learned from a flow";

  net[0].send(tcp_target(to.address), text("x"), somebody(4));
  EXPECT_TRUE(user.errors.empty()) << "never from inside";
  ASSERT_TRUE(wait([&] { return user.errors.size() == 1; }));
  EXPECT_EQ(user.errors[0], std::pair(4U, stack::send_error::refused));
  EXPECT_EQ(net[0].way_for(to, 2'000).transport, transport_kind::udp) << "refused lately";
}

// RFC 3261 26.2.2
TEST_F(sending, never_downgrades_a_transport_that_is_not_there) {
  std::uint32_t slot = 1;
  for (const auto kind : {transport_kind::tls, transport_kind::ws, transport_kind::wss}) {
    auto to = udp_target(nobody.address());
    to.transport = kind;
    EXPECT_EQ(net[0].sent_by(to), "");
    EXPECT_EQ(net[0].way_for(to, 100).transport, kind);
    net[0].send(to, text("x"), somebody(slot));
    ASSERT_TRUE(wait([&] { return user.errors.size() == slot; }));
    EXPECT_EQ(user.errors.back(), std::pair(slot, stack::send_error::unsupported));
    ++slot;
  }
  EXPECT_EQ(net[0].counters().sent_udp + net[0].counters().sent_stream, 0U);
}

TEST_F(sending, says_what_cannot_be_reached) {
  net[0].send(udp_target(*socket_address::parse("[2001:db8::1]:5060")), text("x"), somebody(1));
  ASSERT_TRUE(wait([&] { return user.errors.size() == 1; }));
  EXPECT_EQ(user.errors[0].second, stack::send_error::unreachable);
  EXPECT_EQ(net[0].sent_by(udp_target(*socket_address::parse("[2001:db8::1]:5060"))), "");
  EXPECT_EQ(net[0].sent_by(udp_target(*socket_address::parse("127.0.0.1:5060"))),
            net.listeners()[0].address.to_string());
}

struct noting_tap final : tap {
  static std::string line(std::string_view way, const socket_address& local,
                          const socket_address& peer, std::string_view bytes) {
    return fmt::format("{} {} {} {}", way, local.to_string(), peer.to_string(), bytes);
  }
  void on_message(const tapped& seen) override {
    lines.push_back(
        line(seen.way == direction::in ? "in" : "out", seen.local, seen.peer, seen.bytes));
  }
  std::vector<std::string> lines;
};

TEST_F(sending, shows_every_message_to_the_tap) {
  noting_tap noted;
  net[0].set_tap(&noted);
  udp_client client{shards[0]};
  client.say(net.listeners()[0].address, "from the client");
  ASSERT_TRUE(wait([&] { return user.messages.size() == 1; }));
  net[0].send(udp_target(client.socket->local()), text("to the client"), {});
  ASSERT_TRUE(wait([&] { return client.got.size() == 1; }));
  const socket_address& peer = client.socket->local();
  const socket_address& local = net.listeners()[0].address;
  EXPECT_EQ(noted.lines, (std::vector{noting_tap::line("in", local, peer, "from the client"),
                                      noting_tap::line("out", local, peer, "to the client")}));
  net[0].set_tap(nullptr);
}

TEST_F(sending, shows_the_local_end_of_a_connection_that_is_still_opening) {
  noting_tap noted;
  net[0].set_tap(&noted);
  io::unique_fd accepted;
  socket_address local;
  const auto peer = io::tcp_listener::listen(shards[0], *socket_address::parse("127.0.0.1:0"),
                                             [&](io::unique_fd fd, const socket_address& from) {
                                               accepted = std::move(fd);
                                               local = from;
                                             })
                        .value();
  for (const char* what : {"a", "b"}) net[0].send(tcp_target(peer->address()), text(what), {});
  ASSERT_TRUE(wait([&] { return local.port != 0; }));
  net[0].send(tcp_target(peer->address()), text("c"), {});
  std::vector<std::string> expected;
  for (const char* what : {"a", "b", "c"})
    expected.push_back(noting_tap::line("out", local, peer->address(), what));
  EXPECT_EQ(noted.lines, expected);
  // What nobody carries is shown nowhere.
  auto to = tcp_target(peer->address());
  to.flow = stream_flow(4'095, 1, 0, 0);
  net[0].send(to, text("d"), somebody(1));
  ASSERT_TRUE(wait([&] { return user.errors.size() == 1; }));
  EXPECT_EQ(noted.lines, expected);
  net[0].set_tap(nullptr);
}

TEST(a_wildcard, is_shown_to_the_tap_as_the_address_that_was_spoken_to) {
  io::shard_group shards{1};
  transport net{shards, testbed::points_at("0.0.0.0:0")};
  listening_user user;
  noting_tap noted;
  net[0].set_user(&user);
  net[0].set_tap(&noted);
  udp_client client{shards[0]};
  const socket_address at{ip_address::v4(127, 0, 0, 1), net.listeners()[0].address.port};
  client.say(at, "in");
  ASSERT_TRUE(shards[0].run_until([&] { return user.messages.size() == 1; }));
  auto back = udp_target(client.socket->local());
  back.flow = user.from.flow;
  net[0].send(back, text("out"), {});
  EXPECT_EQ(noted.lines, (std::vector{noting_tap::line("in", at, client.socket->local(), "in"),
                                      noting_tap::line("out", at, client.socket->local(), "out")}));
}

// RFC 3261 8.1.3.3, 16.7, 18.1.2, 18.3
TEST(transport, a_response_that_two_parsers_would_read_differently_is_dropped_and_counted) {
  testbed bed;
  udp_client peer{bed.shards[0]};
  const std::string good = response_to(bed.udp().to_string());
  const auto with = [&](std::string_view old, std::string_view by) {
    std::string text = good;
    return text.replace(text.find(old), old.size(), by);
  };
  const std::vector<std::string> bad{
      with("To: <sip:c@d>;tag=2", "To: <sip:c@d>;tag=2\r\nTo: <sip:c@d>;tag=3"),
      with("To: <sip:c@d>;tag=2", "To: <sip:c@d>;tag=2\r\nt: <sip:c@d>;tag=2"),
      with("From: <sip:a@b>;tag=1", "From: <sip:a@b>;tag=1\r\nFrom: <sip:a@b>;tag=1"),
      with("Call-ID: e", "Call-ID: e\r\nCall-ID: f"),
      with("CSeq: 1 OPTIONS", "CSeq: 1 OPTIONS\r\nCSeq: 2 OPTIONS"),
      with("To: <sip:c@d>;tag=2", "To: <sip:c@d>;tag=2;tag=3"),
      with("To: <sip:c@d>;tag=2", "To: \"c <sip:c@d>;tag=2"),
      with("From: <sip:a@b>;tag=1", "From: <sip:a@b;tag=1"),
      with("From: <sip:a@b>;tag=1", "From:"),
      with("CSeq: 1 OPTIONS", "CSeq: OPTIONS"),
      with("To: <sip:c@d>;tag=2\r\n", ""),
      with("Content-Length: 0", "Content-Length: 1"),
      with("Content-Length: 0", "Content-Length: 0\r\nl: 0"),
  };
  const element& e = *bed.elements[0];
  for (std::size_t i = 0; i < bad.size(); ++i) {
    peer.say(bed.udp(), bad[i]);
    ASSERT_TRUE(bed.wait([&] { return e.door.counters().responses == i + 1; })) << bad[i];
    EXPECT_EQ(e.door.counters().worthless, i + 1) << bad[i];
    EXPECT_EQ(e.stray_responses, 0) << bad[i];
  }
  peer.say(bed.udp(), good);
  ASSERT_TRUE(bed.wait([&] { return e.stray_responses == 1; }));
  EXPECT_EQ(e.door.counters().worthless, bad.size());
}

} // namespace
} // namespace tandem::transport

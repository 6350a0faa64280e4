// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/udp_socket.hpp>

#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/small_network_for_test.hpp>

#include <cerrno>
#include <functional>
#include <gtest/gtest.h>
#include <set>
#include <sys/socket.h>

namespace tandem::io {
namespace {

socket_address loopback(const char* text) { return *socket_address::parse(text); }

struct received {
  std::string bytes;
  socket_address source;
  socket_address local;
};

struct reader final : datagram_user {
  void on_datagram(udp_socket& on, datagram&& d) override {
    seen.push_back({{d.block.data(), d.size}, d.source, d.local});
    if (echo) on.send(d.source, std::move(d.block), d.size, {}, d.local.ip);
  }
  void on_send_failed(udp_socket&, const socket_address&, send_token token, int error) override {
    failed.emplace_back(token.a, error);
  }
  void on_icmp_error(udp_socket&, const socket_address& to, int error,
                     std::string_view quoted) override {
    icmp_to = to;
    icmp_error = error;
    icmp_quoted = quoted;
  }
  bool echo = false;
  std::vector<received> seen;
  std::vector<std::pair<std::uint32_t, int>> failed;
  socket_address icmp_to;
  int icmp_error = 0;
  std::string icmp_quoted;
};

void send_text(udp_socket& s, const socket_address& to, std::string_view text,
               send_token token = {}) {
  s.send(to, block_ref::copy_of(text), static_cast<std::uint32_t>(text.size()), token);
}

class udp_of_both_families : public testing::TestWithParam<const char*> {};

TEST_P(udp_of_both_families, carries_datagrams_of_every_size_both_ways) {
  shard s;
  reader at_a;
  reader at_b;
  at_b.echo = true;
  const auto a = udp_socket::open(s, loopback(GetParam()), at_a).value();
  const auto b = udp_socket::open(s, loopback(GetParam()), at_b).value();
  ASSERT_NE(a->local().port, 0);
  std::vector<std::string> sent;
  for (const std::size_t size : {0UL, 1UL, 600UL, 1'500UL, 60'000UL, 65'000UL})
    sent.push_back(std::string(size, 'x'));
  for (const auto& text : sent) send_text(*a, b->local(), text);
  ASSERT_TRUE(s.run_until([&] { return at_a.seen.size() == sent.size(); }));
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(at_a.seen[i].bytes, sent[i]);
    EXPECT_EQ(at_a.seen[i].source, b->local());
    EXPECT_EQ(at_a.seen[i].local, a->local());
  }
}

TEST_P(udp_of_both_families, drains_a_backlog_in_order) {
  shard s;
  reader at_a;
  reader at_b;
  const auto a = udp_socket::open(s, loopback(GetParam()), at_a).value();
  const auto b = udp_socket::open(s, loopback(GetParam()), at_b).value();
  constexpr std::size_t count = 1'000;
  for (std::size_t i = 0; i < count; ++i) send_text(*a, b->local(), std::to_string(i));
  ASSERT_TRUE(s.run_until([&] { return at_b.seen.size() == count; }));
  for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(at_b.seen[i].bytes, std::to_string(i));
  EXPECT_EQ(a->counters().sent, count);
}

TEST_P(udp_of_both_families, tells_of_an_icmp_error_with_what_it_quotes) {
  shard s;
  reader at_a;
  const auto a = udp_socket::open(s, loopback(GetParam()), at_a).value();
  const closed_port_for_test nobody{loopback(GetParam()).ip};
  const socket_address closed = nobody.address();
  send_text(*a, closed, "INVITE sip:nobody@example.com SIP/2.0");
  ASSERT_TRUE(s.run_until([&] { return at_a.icmp_error != 0; }));
  EXPECT_EQ(at_a.icmp_error, ECONNREFUSED);
  EXPECT_EQ(at_a.icmp_to, closed);
  EXPECT_EQ(at_a.icmp_quoted, "INVITE sip:nobody@example.com SIP/2.0");

  // The socket works on: neither direction is spoiled by the error.
  reader other;
  const auto c = udp_socket::open(s, loopback(GetParam()), other).value();
  for (int i = 0; i < 3; ++i) send_text(*a, closed, "again");
  send_text(*a, c->local(), "hello");
  ASSERT_TRUE(s.run_until([&] { return other.seen.size() == 1; }));
  EXPECT_EQ(other.seen[0].bytes, "hello");
}

INSTANTIATE_TEST_SUITE_P(loopback, udp_of_both_families, testing::Values("127.0.0.1:0", "[::1]:0"));

TEST(udp_socket, on_the_wildcard_answers_from_the_address_it_was_sent_to) {
  shard s;
  reader at_client;
  reader at_server;
  at_server.echo = true;
  const auto server = udp_socket::open(s, loopback("0.0.0.0:0"), at_server).value();
  const auto client = udp_socket::open(s, loopback("127.0.0.1:0"), at_client).value();
  const socket_address other{ip_address::v4(127, 0, 0, 77), server->local().port};
  send_text(*client, other, "to .77");
  ASSERT_TRUE(s.run_until([&] { return at_client.seen.size() == 1; }));
  EXPECT_EQ(at_server.seen[0].local, other);
  EXPECT_EQ(at_client.seen[0].source, other);
}

TEST(udp_socket, reports_what_the_kernel_refuses_with_its_token) {
  shard s;
  reader at_a;
  const auto a = udp_socket::open(s, loopback("127.0.0.1:0"), at_a).value();
  send_text(*a, loopback("255.255.255.255:5060"), "broadcast is not permitted", {7, 0, 0});
  ASSERT_TRUE(s.run_until([&] { return at_a.failed.size() == 1; }));
  EXPECT_EQ(at_a.failed[0].first, 7U);
  // One bad datagram of a batch does not take the others with it.
  send_text(*a, a->local(), "one");
  send_text(*a, loopback("255.255.255.255:5060"), "bad", {8, 0, 0});
  send_text(*a, a->local(), "two");
  ASSERT_TRUE(s.run_until([&] { return at_a.seen.size() == 2; }));
  EXPECT_EQ(at_a.failed.size(), 2U);
  EXPECT_EQ(at_a.failed[1].first, 8U);
}

TEST(udp_socket, never_calls_back_from_inside_send_however_many_datagrams_a_turn_has) {
  shard s;
  reader at_a;
  const auto a = udp_socket::open(s, loopback("127.0.0.1:0"), at_a).value();
  constexpr std::uint32_t many = 1'000; // several queues full
  s.post([&] {
    for (std::uint32_t i = 0; i < many; ++i)
      send_text(*a, loopback("255.255.255.255:5060"), "refused", {i, 0, 0});
    EXPECT_TRUE(at_a.failed.empty()) << "a refusal was told before the turn had ended";
  });
  ASSERT_TRUE(s.run_until([&] { return at_a.failed.size() == many; }));
  for (std::uint32_t i = 0; i < many; ++i) EXPECT_EQ(at_a.failed[i].first, i);
}

TEST(udp_socket, tells_a_bounded_number_of_refusals_in_one_turn_and_counts_the_rest) {
  shard s;
  reader at_a;
  const auto a = udp_socket::open(s, loopback("127.0.0.1:0"), at_a).value();
  constexpr std::uint32_t bound = 16'384;
  constexpr std::uint32_t many = bound + 300; // more than the queue holds beyond it
  s.post([&] {
    for (std::uint32_t i = 0; i < many; ++i) send_text(*a, loopback("127.0.0.1:0"), "x", {i, 0, 0});
  });
  ASSERT_TRUE(s.run_until([&] { return !at_a.failed.empty(); }));
  EXPECT_EQ(a->counters().send_failures, many);
  ASSERT_EQ(at_a.failed.size(), bound);
  EXPECT_EQ(at_a.failed.back().first, bound - 1) << "the first ones are told";
  send_text(*a, loopback("127.0.0.1:0"), "x", {many, 0, 0});
  ASSERT_TRUE(s.run_until([&] { return at_a.failed.size() > bound; })) << "the next turn is told";
  EXPECT_EQ(at_a.failed.back().first, many);
}

TEST(udp_socket, loses_what_the_kernel_has_no_room_for_and_counts_it) {
  const small_network_for_test small;
  if (!small.is_there()) GTEST_SKIP() << "a network of its own needs root";
  shard s;
  reader at_a;
  udp_options options;
  options.buffer_bytes = 1; // the least that the kernel gives
  const auto a = udp_socket::open(s, loopback("127.0.0.1:0"), at_a, options).value();
  send_text(*a, a->local(), std::string(60'000, 'x'), {1, 0, 0});
  ASSERT_TRUE(s.run_until([&] { return a->counters().lost == 1; }));
  // Alone and among others, of which the small ones arrive.
  send_text(*a, a->local(), "one");
  send_text(*a, a->local(), std::string(60'000, 'x'), {2, 0, 0});
  send_text(*a, a->local(), "two");
  ASSERT_TRUE(s.run_until([&] { return at_a.seen.size() == 2; }));
  EXPECT_EQ(a->counters().lost, 2U);
  EXPECT_EQ(a->counters().send_failures, 0U);
  EXPECT_TRUE(at_a.failed.empty());
}

TEST(udp_socket, shares_its_port_between_shards_and_refuses_a_foreign_port) {
  shard s;
  reader r;
  const auto a = udp_socket::open(s, loopback("127.0.0.1:0"), r).value();
  EXPECT_TRUE(udp_socket::open(s, a->local(), r));
  udp_options alone;
  alone.shares_port = false;
  const auto refused = udp_socket::open(s, a->local(), r, alone);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), EADDRINUSE);
}

TEST(udp_socket, is_given_a_port_that_nobody_has) {
  // So many that ports given without regard for each other would meet.
  constexpr std::size_t sockets = 800;
  std::vector<unique_fd> open;
  std::set<std::uint16_t> ports;
  for (std::size_t i = 0; i < sockets; ++i) {
    auto fd = bind_udp(loopback("127.0.0.1:0"), {});
    ASSERT_TRUE(fd) << fd.error();
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ASSERT_EQ(getsockname(fd->get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
    ports.insert(socket_address::from_sockaddr(reinterpret_cast<sockaddr*>(&bound)).port);
    open.push_back(std::move(*fd));
  }
  EXPECT_EQ(ports.size(), sockets);
}

TEST(udp_socket, receives_what_is_sent_to_a_multicast_group) {
  shard s;
  reader member;
  reader sender;
  udp_options options;
  options.groups = {ip_address::v4(224, 0, 1, 75)}; // sip.mcast.net, RFC 3261 10.2.6
  const auto a = udp_socket::open(s, loopback("0.0.0.0:0"), member, options);
  if (!a && (a.error() == ENODEV || a.error() == ENETUNREACH))
    GTEST_SKIP() << "this host has no route for multicast";
  ASSERT_TRUE(a);
  const auto b = udp_socket::open(s, loopback("0.0.0.0:0"), sender).value();
  const std::string text = "REGISTER sip:example.com SIP/2.0";
  b->send({ip_address::v4(224, 0, 1, 75), (*a)->local().port}, block_ref::copy_of(text),
          static_cast<std::uint32_t>(text.size()), {}, {}, 1);
  ASSERT_TRUE(s.run_until([&] { return member.seen.size() == 1; }));
  EXPECT_EQ(member.seen[0].bytes, text);
  EXPECT_EQ(member.seen[0].local.ip, ip_address::v4(224, 0, 1, 75));
}

} // namespace
} // namespace tandem::io

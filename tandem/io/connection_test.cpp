// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/connection.hpp>

#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/connection_for_test.hpp>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tandem::io {
namespace {

class connection_contract : public connections_over {};

TEST_P(connection_contract, carries_bytes_both_ways_and_knows_both_ends) {
  for (const char* at : {"127.0.0.1:0", "[::1]:0"}) {
    listen(at);
    renew({});
    server->echoes = true;
    connect();
    client->connection.write("early, "); // before it is up
    ASSERT_TRUE(loop.run_until([&] { return client->connected == 1; }));
    client->connection.write("later");
    ASSERT_TRUE(loop.run_until([&] { return client->received == "early, later"; }));
    EXPECT_EQ(client->connection.sent_bytes(), 12U);
    EXPECT_TRUE(client->connection.is_quiet());
    EXPECT_EQ(client->connection.peer(), listener->address());
    EXPECT_EQ(server->connection.local(), listener->address());
    EXPECT_EQ(server->connection.peer(), client->connection.local());
    EXPECT_EQ(server->connected, is_tls() ? 1 : 0);
  }
}

TEST_P(connection_contract, connects_from_the_address_it_is_told) {
  client->connection.connect(listener->address(), connecting, "localhost",
                             *ip_address::parse("127.0.0.2"));
  const socket_address opening = client->connection.local();
  EXPECT_EQ(opening.ip.to_string(), "127.0.0.2");
  EXPECT_NE(opening.port, 0) << "known while it opens";
  ASSERT_TRUE(loop.run_until([&] { return client->connected == 1; }));
  EXPECT_EQ(client->connection.local(), opening);
}

TEST_P(connection_contract, sends_what_one_turn_collected_in_one_piece_and_in_order) {
  connect_both();
  std::string all;
  for (int i = 0; i < 300; ++i) {
    const std::string message = "message " + std::to_string(i) + "\n";
    all += message;
    client->connection.write(message);
  }
  ASSERT_TRUE(loop.run_until([&] { return server->received.size() >= all.size(); }));
  EXPECT_EQ(server->received, all);
  EXPECT_LE(server->reads, is_tls() ? 5 : 1); // 64 pieces at a time fill a record
  EXPECT_EQ(client->drained, 1);
}

TEST_P(connection_contract, carries_megabytes_to_a_peer_that_reads_slowly) {
  renew({.output_bytes = std::size_t{64} << 20U}, {.output_bytes = std::size_t{64} << 20U});
  server->echoes = true;
  connect_both();
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(50'000, static_cast<char>('a' + i % 26));
    all += piece;
    client->connection.write(piece);
  }
  ASSERT_TRUE(loop.run_until([&] { return client->received.size() == all.size(); }, seconds{30}));
  EXPECT_TRUE(client->received == all);
}

TEST_P(connection_contract, finishes_when_all_was_sent_and_the_peer_learns_that_it_is_all) {
  connect_both();
  const std::string much(700'000, 'x');
  client->connection.write(much);
  client->connection.finish();
  EXPECT_FALSE(client->say("too late", 1));
  ASSERT_TRUE(loop.run_until([&] { return client->closed && server->closed; }));
  EXPECT_EQ(client->closed, connection_end::finished);
  EXPECT_EQ(server->closed, connection_end::by_peer);
  EXPECT_EQ(server->received.size(), much.size());
}

TEST_P(connection_contract, gets_its_last_words_to_a_peer_that_has_more_to_say) {
  server->echoes = true;
  server->finishes_after = 4;
  connect_both();
  client->connection.write("ping");
  ASSERT_TRUE(loop.run_until([&] { return !client->received.empty(); }));
  // What still comes must not reset the connection before the answer is read.
  client->connection.write(std::string(100'000, 'x'));
  ASSERT_TRUE(loop.run_until([&] { return client->closed && server->closed; }));
  EXPECT_EQ(client->received, "ping");
  EXPECT_EQ(server->received, "ping");
}

TEST_P(connection_contract, ends_when_more_output_waits_than_may_and_tells_what_did_not_leave) {
  renew({}, {.output_bytes = 100'000});
  connect_both();
  server->connection.pause_reading();
  for (std::uint32_t i = 0; i < 1000 && !client->closed; ++i) {
    client->say(std::string(90'000, 'x'), i);
    if (i % 2 == 1) let_pass();
  }
  ASSERT_TRUE(loop.run_until([&] { return client->closed.has_value(); }));
  EXPECT_EQ(client->closed, connection_end::overflow);
  ASSERT_FALSE(client->unsent.empty());
  EXPECT_EQ(client->unsent.front().second, connection_end::overflow);
}

TEST_P(connection_contract, counts_small_pieces_with_what_they_take) {
  renew({}, {.output_bytes = 10'000});
  connect_both();
  for (int i = 0; i < 1000; ++i) client->connection.write("x");
  ASSERT_TRUE(loop.run_until([&] { return client->closed.has_value(); }));
  EXPECT_EQ(client->closed, connection_end::overflow);
}

TEST_P(connection_contract, reads_nothing_from_a_peer_that_does_not_read) {
  renew({.output_bytes = std::size_t{4} << 20U}, {.output_bytes = std::size_t{64} << 20U});
  server->echoes = true;
  connect_both();
  client->connection.pause_reading();
  client->connection.write(std::string(std::size_t{40} << 20U, 'x'));
  ASSERT_TRUE(loop.run_until(
      [&] { return server->connection.waiting_output() > (std::size_t{19} << 20U) / 10; }));
  const auto turns = loop.turns();
  EXPECT_FALSE(loop.run_until([&] { return server->closed.has_value(); }, milliseconds{50}));
  EXPECT_LT(loop.turns() - turns, 100U) << "the loop sleeps";
  EXPECT_LT(server->connection.waiting_output(), std::size_t{3} << 20U);
  client->connection.resume_reading();
  ASSERT_TRUE(loop.run_until([&] { return client->received.size() == std::size_t{40} << 20U; },
                             seconds{60}));
}

TEST_P(connection_contract, goes_on_where_reading_was_paused) {
  connect_both();
  server->connection.pause_reading();
  client->connection.write(std::string(50'000, 'x'));
  ASSERT_TRUE(loop.run_until([&] { return client->connection.waiting_output() == 0; }));
  let_pass();
  EXPECT_EQ(server->received, "");
  server->connection.resume_reading();
  ASSERT_TRUE(loop.run_until([&] { return server->received.size() == 50'000; }));
}

TEST_P(connection_contract, may_be_destroyed_by_its_own_handler) {
  struct suicidal final : connection_handler {
    explicit suicidal(shard& loop) : connection{std::make_unique<io::connection>(loop, *this)} {}
    void on_data(std::string_view) override { connection.reset(); }
    void on_closed(connection_end, std::string_view) override { connection.reset(); }
    std::unique_ptr<io::connection> connection;
  } victim{loop};
  server->echoes = true;
  victim.connection->connect(listener->address(), connecting, "localhost");
  victim.connection->write("x");
  ASSERT_TRUE(loop.run_until([&] { return !victim.connection && server->closed; }));
  suicidal refused{loop};
  const closed_port_for_test nobody;
  refused.connection->connect(nobody.address(), connecting, "localhost");
  ASSERT_TRUE(loop.run_until([&] { return !refused.connection; }));
}

TEST_P(connection_contract, may_be_destroyed_with_output_waiting) {
  connect_both();
  client->connection.write("never leaves");
  client.reset();
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->received, "");
}

TEST_P(connection_contract, may_be_destroyed_by_a_timer_in_the_turn_of_its_input_or_end) {
  struct destroyer final : timer {
    void on_timer(instant) override { victim.reset(); }
    std::unique_ptr<end_point> victim;
  };
  for (const bool is_end : {false, true}) {
    renew({});
    destroyer d;
    d.victim = std::make_unique<end_point>(loop);
    d.victim->connection.connect(listener->address(), connecting, "localhost");
    ASSERT_TRUE(loop.run_until(
        [&] { return d.victim->connected == 1 && server->connection.is_connected(); }));
    if (is_end) {
      server->connection.close();
    } else {
      server->connection.write("never told");
      ASSERT_TRUE(loop.run_until([&] { return server->drained == 1; }));
    }
    loop.timers().arm(d, loop.now());
    const instant due = d.due(); // both are ready in the turn that comes
    while (tandem::now() <= due) {
    }
    ASSERT_TRUE(loop.run_until([&] { return !d.victim; }));
    let_pass();
  }
}

TEST_P(connection_contract, can_be_used_again_even_from_the_call_that_tells_its_end) {
  struct persistent final : connection_handler {
    persistent(shard& loop, std::function<void(io::connection&)> connect_again)
        : connection{loop, *this}, open{std::move(connect_again)} {
      open(connection);
    }
    void on_connected() override {
      ++connected;
      connection.finish();
    }
    void on_data(std::string_view) override {}
    void on_closed(connection_end why, std::string_view) override {
      EXPECT_EQ(why, connection_end::finished);
      if (connected < 3) open(connection);
    }
    io::connection connection;
    std::function<void(io::connection&)> open;
    int connected = 0;
  };
  std::vector<std::unique_ptr<end_point>> servers;
  const persistent user{loop, [&](io::connection& c) {
                          server = std::make_unique<end_point>(loop);
                          c.connect(listener->address(), connecting, "localhost");
                        }};
  ASSERT_TRUE(loop.run_until([&] { return user.connected == 3 && server->closed; }));
  EXPECT_EQ(accepted, 3);
}

TEST_P(connection_contract, tells_that_nobody_listens_later_with_what_did_not_leave) {
  const closed_port_for_test nobody;
  client->connection.connect(nobody.address(), connecting, "localhost");
  EXPECT_TRUE(client->say("never", 7));
  EXPECT_FALSE(client->closed) << "never from inside connect()";
  ASSERT_TRUE(loop.run_until([&] { return client->closed.has_value(); }));
  EXPECT_EQ(client->closed, connection_end::refused);
  EXPECT_EQ(client->connection.sent_bytes(), 0U);
  EXPECT_EQ(client->unsent, (std::vector{std::pair{7U, connection_end::refused}}));
}

TEST_P(connection_contract, tells_that_there_is_no_route) {
  client->connection.connect(*socket_address::parse("255.255.255.255:5060"), connecting,
                             "localhost");
  EXPECT_TRUE(client->say("never", 7));
  EXPECT_FALSE(client->closed);
  ASSERT_TRUE(loop.run_until([&] { return client->closed.has_value(); }));
  EXPECT_EQ(client->closed, connection_end::unreachable);
  EXPECT_EQ(client->unsent, (std::vector{std::pair{7U, connection_end::unreachable}}));
}

TEST_P(connection_contract, gives_up_when_it_does_not_come_up_in_time) {
  // A backlog of one that is full drops what comes.
  const unique_fd deaf{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(deaf.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(::listen(deaf.get(), 0), 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ASSERT_EQ(::getsockname(deaf.get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
  const auto at = socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound));
  std::vector<std::unique_ptr<end_point>> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.push_back(std::make_unique<end_point>(loop));
    fillers.back()->connection.connect(at);
  }
  renew({}, {.open = milliseconds{200}});
  client->connection.connect(at, connecting, "localhost");
  client->say("x", 1);
  ASSERT_TRUE(loop.run_until([&] { return client->closed.has_value(); }));
  EXPECT_EQ(client->closed, connection_end::open_limit);
  EXPECT_EQ(client->unsent.size(), 1U);
}

TEST_P(connection_contract, ends_when_idle_or_when_what_is_awaited_does_not_come) {
  renew({.idle = milliseconds{100}});
  connect_both();
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::idle);

  renew({});
  connect_both();
  server->connection.await_by(loop.now() + milliseconds{50});
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::read_limit);
}

TEST_P(connection_contract, gives_up_its_place_at_once_and_tells_what_did_not_leave) {
  connect_both();
  client->say("waits", 3);
  client->connection.give_up_place();
  EXPECT_EQ(client->closed, connection_end::gave_place);
  EXPECT_EQ(client->unsent, (std::vector{std::pair{3U, connection_end::gave_place}}));
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
}

INSTANTIATE_TEST_SUITE_P(over, connection_contract, both_channels, name_of_channel);

} // namespace
} // namespace tandem::io

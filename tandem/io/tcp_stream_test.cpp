// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/tcp_listener.hpp>
#include <tandem/io/tcp_stream.hpp>

#include <tandem/io/closed_port_for_test.hpp>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>

namespace tandem::io {
namespace {

struct end_point final : byte_stream_user {
  void on_bytes(byte_stream& on, std::string_view bytes) override {
    input += bytes;
    ++reads;
    if (echoes) on.send(block_ref::copy_of(bytes), static_cast<std::uint32_t>(bytes.size()));
    if (closes_after != 0 && input.size() >= closes_after) on.close();
  }
  void on_end(byte_stream&, byte_stream_end why) override {
    EXPECT_FALSE(end) << "told twice";
    end = why;
    stream.reset();
  }
  void on_unsent(byte_stream&, send_token token, byte_stream_end why) override {
    EXPECT_FALSE(end) << "told after the end";
    unsent.emplace_back(token.a, why);
  }
  void say(std::string_view text, std::uint32_t token = 0) {
    stream->send(block_ref::copy_of(text), static_cast<std::uint32_t>(text.size()), {token, 0, 0});
  }
  bool echoes = false;
  std::size_t closes_after = 0;
  std::unique_ptr<byte_stream> stream;
  std::string input;
  int reads = 0;
  std::optional<byte_stream_end> end;
  std::vector<std::pair<std::uint32_t, byte_stream_end>> unsent;
};

/// A listener and what it accepted, and a connection to it.
struct tcp_stream : testing::Test {
  void listen(const char* at = "127.0.0.1:0") {
    auto made = tcp_listener::listen(
        s, *socket_address::parse(at), [this](unique_fd fd, const socket_address& peer) {
          server.stream = io::tcp_stream::accept(s, std::move(fd), peer, server, server_options);
          ++accepted;
        });
    ASSERT_TRUE(made) << made.error();
    listener = std::move(*made);
  }
  void connect() {
    client.stream =
        io::tcp_stream::connect(s, listener->address(), ip_address{}, client, client_options);
  }
  void connect_both(const char* at = "127.0.0.1:0") {
    listen(at);
    connect();
    ASSERT_TRUE(s.run_until([&] { return accepted == 1; }));
  }

  shard s;
  tcp_options server_options;
  tcp_options client_options;
  end_point server;
  end_point client;
  int accepted = 0;
  std::unique_ptr<tcp_listener> listener;
};

TEST_F(tcp_stream, carries_bytes_both_ways_and_knows_both_ends) {
  for (const char* at : {"127.0.0.1:0", "[::1]:0"}) {
    server = {};
    client = {};
    accepted = 0;
    server.echoes = true;
    connect_both(at);
    client.say("hello ");
    client.say("world");
    ASSERT_TRUE(s.run_until([&] { return client.input == "hello world"; }));
    EXPECT_EQ(client.stream->peer(), listener->address());
    EXPECT_EQ(server.stream->peer(), client.stream->local());
    EXPECT_EQ(server.reads, 1) << "what one turn collected leaves in one piece";
  }
}

TEST_F(tcp_stream, keeps_what_is_sent_before_it_is_open) {
  listen();
  connect();
  client.say("early");
  ASSERT_TRUE(s.run_until([&] { return server.input == "early"; }));
}

TEST_F(tcp_stream, carries_megabytes_to_a_peer_that_reads_slowly) {
  client_options.output_bytes = std::size_t{64} << 20;
  server.echoes = true;
  server_options.output_bytes = std::size_t{64} << 20;
  connect_both();
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string piece(50'000, static_cast<char>('a' + i % 26));
    all += piece;
    client.say(piece);
  }
  ASSERT_TRUE(s.run_until([&] { return client.input.size() == all.size(); }, seconds{30}));
  EXPECT_TRUE(client.input == all);
}

TEST_F(tcp_stream, says_that_nobody_listens) {
  const closed_port_for_test nobody;
  client.stream =
      io::tcp_stream::connect(s, nobody.address(), ip_address{}, client, client_options);
  client.say("never", 7);
  EXPECT_FALSE(client.end) << "not from inside";
  ASSERT_TRUE(s.run_until([&] { return client.end.has_value(); }));
  EXPECT_EQ(client.end, byte_stream_end::refused);
  ASSERT_EQ(client.unsent.size(), 1U);
  EXPECT_EQ(client.unsent[0], std::pair(7U, byte_stream_end::refused));
}

TEST_F(tcp_stream, says_that_there_is_no_route) {
  client.stream = io::tcp_stream::connect(s, *socket_address::parse("255.255.255.255:5060"),
                                          ip_address{}, client, client_options);
  ASSERT_TRUE(s.run_until([&] { return client.end.has_value(); }));
  EXPECT_EQ(client.end, byte_stream_end::unreachable);
}

TEST_F(tcp_stream, gives_up_connecting_after_its_limit) {
  // A backlog of one that is full drops what comes.
  unique_fd deaf{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(deaf.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(::listen(deaf.get(), 0), 0);
  const socket_address at = bound_address(deaf.get());
  std::vector<std::unique_ptr<end_point>> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.push_back(std::make_unique<end_point>());
    fillers.back()->stream =
        io::tcp_stream::connect(s, at, ip_address{}, *fillers.back(), client_options);
  }
  client_options.connect_limit = milliseconds{200};
  client.stream = io::tcp_stream::connect(s, at, ip_address{}, client, client_options);
  client.say("x", 1);
  const instant start = tandem::now();
  ASSERT_TRUE(s.run_until([&] { return client.end.has_value(); }));
  EXPECT_EQ(client.end, byte_stream_end::connect_limit);
  EXPECT_EQ(client.unsent.size(), 1U);
  EXPECT_LT(tandem::now() - start, tcp_options{}.connect_limit);
}

TEST_F(tcp_stream, ends_when_the_peer_closes_and_its_last_words_arrive) {
  connect_both();
  client.say("last words");
  client.stream->close();
  ASSERT_TRUE(s.run_until([&] { return server.end.has_value(); }));
  EXPECT_EQ(server.input, "last words");
  EXPECT_EQ(server.end, byte_stream_end::closed_by_peer);
  ASSERT_TRUE(s.run_until([&] { return client.end.has_value(); }));
  EXPECT_EQ(client.end, byte_stream_end::closed_here);
}

TEST_F(tcp_stream, sends_its_last_answer_to_a_peer_that_has_more_to_say) {
  server.echoes = true;
  server.closes_after = 4;
  connect_both();
  client.say("ping");
  ASSERT_TRUE(s.run_until([&] { return !client.input.empty(); }));
  // What still comes must not reset the connection before the answer is read.
  client.say(std::string(100'000, 'x'));
  ASSERT_TRUE(s.run_until([&] { return client.end.has_value() && server.end.has_value(); }));
  EXPECT_EQ(client.input, "ping");
  EXPECT_EQ(server.input, "ping");
}

TEST_F(tcp_stream, ends_when_the_peer_resets) {
  listen();
  {
    unique_fd raw{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_storage address{};
    const socklen_t size = listener->address().to_sockaddr(address);
    ASSERT_EQ(::connect(raw.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_TRUE(s.run_until([&] { return accepted == 1; }));
    const linger now{1, 0};
    setsockopt(raw.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ASSERT_TRUE(s.run_until([&] { return server.end.has_value(); }));
  EXPECT_EQ(server.end, byte_stream_end::reset);
}

TEST_F(tcp_stream, ends_when_too_much_output_waits) {
  client_options.output_bytes = 100'000;
  connect_both();
  for (std::uint32_t i = 0; i < 3; ++i) client.say(std::string(50'000, 'x'), i);
  ASSERT_TRUE(s.run_until([&] { return client.end.has_value(); }));
  EXPECT_EQ(client.end, byte_stream_end::overflow);
  EXPECT_FALSE(client.unsent.empty());
}

TEST_F(tcp_stream, ends_when_the_peer_takes_no_output) {
  listen();
  unique_fd raw{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage address{};
  const socklen_t size = listener->address().to_sockaddr(address);
  server_options.output_limit = milliseconds{100};
  server_options.output_bytes = std::size_t{64} << 20;
  ASSERT_EQ(::connect(raw.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_TRUE(s.run_until([&] { return accepted == 1; }));
  for (int i = 0; i < 300; ++i) server.say(std::string(60'000, 'x'), 1);
  ASSERT_TRUE(s.run_until([&] { return server.end.has_value(); }));
  EXPECT_EQ(server.end, byte_stream_end::output_limit);
  EXPECT_FALSE(server.unsent.empty());
}

TEST_F(tcp_stream, ends_when_idle_or_when_what_is_awaited_does_not_come) {
  server_options.idle_limit = milliseconds{100};
  connect_both();
  ASSERT_TRUE(s.run_until([&] { return server.end.has_value(); }));
  EXPECT_EQ(server.end, byte_stream_end::idle);

  server = {};
  client = {};
  accepted = 0;
  server_options.idle_limit = seconds{3600};
  connect_both();
  server.stream->await_by(s.now() + milliseconds{50});
  ASSERT_TRUE(s.run_until([&] { return server.end.has_value(); }));
  EXPECT_EQ(server.end, byte_stream_end::read_limit);
}

TEST_F(tcp_stream, can_be_destroyed_with_output_waiting) {
  connect_both();
  client.say("never leaves");
  client.stream.reset();
  ASSERT_TRUE(s.run_until([&] { return server.end.has_value(); }));
  EXPECT_EQ(server.input, "");
}

} // namespace
} // namespace tandem::io

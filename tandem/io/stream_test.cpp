// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/stream.hpp>

#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/raw_peer_for_test.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <sys/resource.h>
#include <sys/socket.h>

using namespace tandem;
using namespace tandem::io;
using testing::HasSubstr;

namespace {

const certificates_for_test& certificates() {
  static const certificates_for_test made;
  return made;
}

tls_context server_tls(const std::string& client_ca = {}) {
  auto made = tls_context::server({.certificate_file = certificates() / "server.pem",
                                   .key_file = certificates() / "server.key",
                                   .client_ca_file = client_ca});
  EXPECT_TRUE(made) << made.error();
  return made.value_or(tls_context{});
}

tls_context client_tls(const tls_client_options& options) {
  auto made = tls_context::client(options);
  EXPECT_TRUE(made) << made.error();
  return made.value_or(tls_context{});
}

/// One end of a connection that writes down what happens to it.
struct end_point final : stream_handler {
  explicit end_point(shard& home, std::size_t limit = 1U << 20U) : connection{home, *this, limit} {}
  void on_connected() override { ++connected; }
  void on_data(std::string_view bytes) override {
    received += bytes;
    if (echoes) connection.write(bytes);
  }
  bool on_peer_finished() override {
    ++peer_finished;
    return keeps_half_open;
  }
  void on_drained() override { ++drained; }
  void on_closed(stream_end why, std::string_view text) override {
    closed = why;
    detail = text;
  }

  stream connection;
  int connected = 0;
  int drained = 0;
  std::string received;
  bool echoes = false;
  bool keeps_half_open = false;
  int peer_finished = 0;
  std::optional<stream_end> closed;
  std::string detail;
};

class streams : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      accepting = server_tls();
      connecting = client_tls({.ca_file = certificates() / "ca.pem"});
    }
    auto listening = tcp_listener::listen(home, *socket_address::parse("127.0.0.1:0"),
                                          [this](unique_fd fd, const socket_address&) {
                                            server.connection.accept(std::move(fd), accepting);
                                          });
    ASSERT_TRUE(listening) << listening.error();
    listener = std::move(*listening);
  }
  void connect(const std::string& host = "localhost") {
    client.connection.connect(listener->address(), connecting, host);
  }

  shard home;
  tls_context accepting;
  tls_context connecting;
  end_point server{home};
  end_point client{home};
  std::unique_ptr<tcp_listener> listener;
};

TEST_P(streams, carry_bytes_both_ways) {
  server.echoes = true;
  connect();
  client.connection.write("early, "); // before it is up
  EXPECT_TRUE(home.run_until([&] { return client.connected == 1; }));
  client.connection.write("later");
  EXPECT_TRUE(home.run_until([&] { return client.received == "early, later"; }));
  EXPECT_EQ(client.connection.sent_bytes(), 12U);
  EXPECT_TRUE(client.connection.is_quiet());
  EXPECT_EQ(client.connection.peer(), listener->address());
}

TEST_P(streams, carry_more_than_buffers_hold_in_order) {
  server.echoes = true;
  connect();
  std::string much;
  for (int i = 0; i < 100000; ++i) much += std::to_string(i) + ",";
  EXPECT_TRUE(home.run_until([&] { return client.connected == 1; }));
  client.connection.write(much);
  EXPECT_TRUE(home.run_until([&] { return client.received.size() == much.size(); }));
  EXPECT_EQ(client.received, much);
}

TEST_P(streams, finish_sends_all_and_closes) {
  connect();
  EXPECT_TRUE(home.run_until([&] { return client.connected == 1; }));
  const std::string much(700000, 'x');
  client.connection.write(much);
  client.connection.finish();
  EXPECT_TRUE(home.run_until([&] { return client.closed && server.closed; }));
  EXPECT_EQ(client.closed, stream_end::finished);
  EXPECT_EQ(server.closed, stream_end::by_peer);
  EXPECT_EQ(server.received.size(), much.size());
}

TEST_P(streams, end_when_the_peer_does_not_read) {
  end_point hasty{home, 100000};
  hasty.connection.connect(listener->address(), connecting, "localhost");
  EXPECT_TRUE(home.run_until([&] { return hasty.connected == 1; }));
  server.connection.pause_reading();
  for (int i = 0; i < 1000 && !hasty.closed; ++i) {
    hasty.connection.write(std::string(90000, 'x'));
    home.run_until([] { return true; });
  }
  EXPECT_TRUE(home.run_until([&] { return hasty.closed.has_value(); }));
  EXPECT_EQ(hasty.closed, stream_end::overflow);
}

TEST_P(streams, resume_where_reading_was_paused) {
  connect();
  EXPECT_TRUE(home.run_until([&] { return client.connected == 1; }));
  server.connection.pause_reading();
  client.connection.write(std::string(50000, 'x'));
  EXPECT_TRUE(home.run_until([&] { return client.connection.waiting_output() == 0; }));
  bool has_passed = false; // whatever was ready by now has been told
  home.post([&] { home.post([&] { has_passed = true; }); });
  EXPECT_TRUE(home.run_until([&] { return has_passed; }));
  EXPECT_EQ(server.received, "");
  server.connection.resume_reading();
  EXPECT_TRUE(home.run_until([&] { return server.received.size() == 50000; }));
}

TEST_P(streams, may_be_destroyed_by_their_own_handler) {
  struct suicidal final : stream_handler {
    explicit suicidal(shard& home) : connection{std::make_unique<stream>(home, *this)} {}
    void on_data(std::string_view) override { connection.reset(); }
    void on_closed(stream_end, std::string_view) override { connection.reset(); }
    std::unique_ptr<stream> connection;
  } victim{home};
  server.echoes = true;
  victim.connection->connect(listener->address(), connecting, "localhost");
  victim.connection->write("x");
  EXPECT_TRUE(home.run_until([&] { return !victim.connection && server.closed; }));
  suicidal refused{home};
  const closed_port_for_test nobody;
  refused.connection->connect(nobody.address(), connecting, "localhost");
  EXPECT_TRUE(home.run_until([&] { return !refused.connection; }));
}

TEST_P(streams, tell_that_nobody_listens) {
  const closed_port_for_test nobody;
  client.connection.connect(nobody.address(), connecting, "localhost");
  EXPECT_FALSE(client.closed) << "never from inside connect()";
  EXPECT_TRUE(home.run_until([&] { return client.closed.has_value(); }));
  EXPECT_EQ(client.closed, stream_end::refused);
  EXPECT_EQ(client.connection.sent_bytes(), 0U);
}

TEST_P(streams, can_be_used_again) {
  for (int i = 0; i < 3; ++i) {
    client.closed.reset();
    server.closed.reset();
    connect();
    EXPECT_TRUE(home.run_until([&] { return client.connected == i + 1; }));
    client.connection.finish();
    EXPECT_TRUE(home.run_until([&] { return client.closed && server.closed; }));
  }
}

TEST_P(streams, carry_hundreds_of_messages_of_one_turn_in_their_order) {
  connect();
  EXPECT_TRUE(home.run_until([&] { return client.connected == 1; }));
  std::string all;
  for (int i = 0; i < 300; ++i) {
    const std::string message = "message " + std::to_string(i) + "\n";
    all += message;
    client.connection.write(message);
  }
  EXPECT_TRUE(home.run_until([&] { return server.received.size() >= all.size(); }));
  EXPECT_EQ(server.received, all);
}

TEST_P(streams, may_be_destroyed_by_a_timer_in_the_turn_of_their_input_or_end) {
  struct destroyer final : timer {
    void on_timer(instant) override { victim.reset(); }
    std::unique_ptr<end_point> victim;
  };
  for (const bool is_end : {false, true}) {
    destroyer d;
    d.victim = std::make_unique<end_point>(home);
    d.victim->connection.connect(listener->address(), connecting, "localhost");
    ASSERT_TRUE(home.run_until(
        [&] { return d.victim->connected == 1 && server.connection.is_connected(); }));
    if (is_end)
      server.connection.close();
    else
      server.connection.write("never told");
    home.timers().arm(d, home.now());
    const instant due = d.due(); // both are ready in the turn that comes
    while (tandem::now() <= due) {
    }
    EXPECT_TRUE(home.run_until([&] { return !d.victim; }));
    home.run_until([] { return false; }, milliseconds{2});
  }
}

INSTANTIATE_TEST_SUITE_P(over, streams, testing::Bool(),
                         [](const auto& which) { return which.param ? "tls" : "tcp"; });

TEST(stream, keeps_writing_after_the_peer_has_finished_if_told_to) {
  shard home;
  end_point server{home};
  server.keeps_half_open = true;
  auto listening = tcp_listener::listen(
      home, *socket_address::parse("[::1]:0"),
      [&](unique_fd fd, const socket_address&) { server.connection.accept(std::move(fd)); });
  ASSERT_TRUE(listening) << listening.error();
  end_point client{home};
  client.connection.connect((*listening)->address());
  EXPECT_TRUE(home.run_until([&] { return client.connected == 1; }));
  client.connection.write("question");
  ::shutdown(client.connection.fd(), SHUT_WR);
  EXPECT_TRUE(home.run_until([&] { return server.peer_finished == 1; }));
  server.connection.write("answer");
  EXPECT_TRUE(home.run_until([&] { return client.received == "answer"; }));
}

TEST(stream, ends_when_a_peer_resets_behind_its_fin_and_lets_the_loop_sleep) {
  shard home;
  end_point server{home};
  server.keeps_half_open = true;
  auto listening = tcp_listener::listen(
      home, *socket_address::parse("127.0.0.1:0"),
      [&](unique_fd fd, const socket_address&) { server.connection.accept(std::move(fd)); });
  ASSERT_TRUE(listening) << listening.error();
  for (const bool is_paused : {false, true}) {
    server.closed.reset();
    server.received.clear();
    server.peer_finished = 0;
    raw_peer_for_test peer{(*listening)->address()};
    peer.say("question");
    ASSERT_TRUE(home.run_until([&] { return server.received == "question"; }));
    if (is_paused) server.connection.pause_reading();
    peer.finish();
    if (!is_paused) {
      ASSERT_TRUE(home.run_until([&] { return server.peer_finished == 1; }));
    }
    const auto turns = home.turns();
    EXPECT_FALSE(home.run_until([&] { return server.closed.has_value(); }, milliseconds{20}));
    EXPECT_LT(home.turns() - turns, 5U) << "nothing happens after the FIN";
    peer.reset();
    ASSERT_TRUE(home.run_until([&] { return server.closed.has_value(); }));
    EXPECT_LT(home.turns() - turns, 10U);
    EXPECT_EQ(server.closed, stream_end::lost);
    EXPECT_LE(server.peer_finished, 1) << "it is told once";
  }
}

class tls : public streams {};

TEST_P(tls, refuses_a_name_the_certificate_does_not_hold) {
  connect("example.net");
  EXPECT_TRUE(home.run_until([&] { return client.closed.has_value(); }));
  EXPECT_EQ(client.closed, stream_end::tls_failed);
  EXPECT_THAT(client.detail, HasSubstr("hostname mismatch"));
  EXPECT_THAT(client.detail, HasSubstr("use a name that the certificate holds"));
}

TEST_P(tls, takes_an_address_the_certificate_holds) {
  connect("127.0.0.1");
  EXPECT_TRUE(home.run_until([&] { return client.connected == 1; }));
}

TEST_P(tls, refuses_an_authority_it_does_not_know) {
  connecting = client_tls({.ca_file = certificates() / "alone.pem"});
  connect();
  EXPECT_TRUE(home.run_until([&] { return client.closed && server.closed; }));
  EXPECT_EQ(client.closed, stream_end::tls_failed);
  EXPECT_THAT(client.detail, HasSubstr("give the file of the authority"));
  EXPECT_EQ(server.closed, stream_end::tls_failed);
  EXPECT_EQ(client.connection.sent_bytes(), 0U);
}

TEST_P(tls, demands_a_client_certificate_if_told_to) {
  accepting = server_tls(certificates() / "ca.pem");
  connect();
  EXPECT_TRUE(home.run_until([&] { return client.closed && server.closed; }));
  EXPECT_EQ(server.closed, stream_end::tls_failed);
  EXPECT_EQ(server.connected, 0);

  connecting = client_tls({.ca_file = certificates() / "ca.pem",
                           .certificate_file = certificates() / "client.pem",
                           .key_file = certificates() / "client.key"});
  connect();
  EXPECT_TRUE(home.run_until([&] { return server.connected == 1; }));
}

TEST_P(tls, a_peer_that_speaks_something_else_is_told_apart) {
  connecting = {};
  connect();
  client.connection.write("GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(home.run_until([&] { return server.closed.has_value(); }));
  EXPECT_EQ(server.closed, stream_end::tls_failed);
  EXPECT_THAT(server.detail, HasSubstr("http request"));
}

TEST_P(tls, tells_the_end_of_the_peer_once_however_often_it_reads_on) {
  server.keeps_half_open = true;
  connect();
  EXPECT_TRUE(home.run_until([&] { return server.connected == 1; }));
  client.connection.finish(); // close_notify, then FIN
  EXPECT_TRUE(home.run_until([&] { return server.peer_finished == 1; }));
  for (int i = 0; i < 3; ++i) {
    server.connection.resume_reading();
    home.run_until([] { return false; }, milliseconds{2});
  }
  EXPECT_EQ(server.peer_finished, 1);
}

TEST_P(tls, tells_a_connection_that_was_cut_off_from_one_that_the_peer_ended_rfc_8446_6_1) {
  for (const bool is_cut : {false, true}) {
    server.closed.reset();
    connect();
    EXPECT_TRUE(home.run_until(
        [&] { return server.connection.is_connected() && client.connection.is_connected(); }));
    // What the client has not read would make its close a reset.
    client.received.clear();
    server.connection.write("x");
    EXPECT_TRUE(home.run_until([&] { return client.received == "x"; }));
    if (is_cut)
      client.connection.close(); // FIN without close_notify
    else
      client.connection.finish();
    EXPECT_TRUE(home.run_until([&] { return server.closed.has_value(); }));
    EXPECT_EQ(server.closed, is_cut ? stream_end::cut_off : stream_end::by_peer);
  }
}

INSTANTIATE_TEST_SUITE_P(over, tls, testing::Values(true), [](const auto&) { return "tls"; });

TEST(tls_files, are_told_with_cause_and_remedy) {
  const auto& c = certificates();
  EXPECT_THAT(tls_context::server({}).error(), HasSubstr("needs a certificate"));
  EXPECT_THAT(tls_context::server({.certificate_file = "/nonexistent.pem"}).error(),
              HasSubstr("cannot read /nonexistent.pem: No such file"));
  EXPECT_THAT(
      tls_context::server({.certificate_file = c / "server.pem", .key_file = c / "client.key"})
          .error(),
      HasSubstr("does not belong to the certificate"));
  EXPECT_THAT(tls_context::server({.certificate_file = c / "server.key"}).error(),
              HasSubstr("no certificate in PEM form"));
  EXPECT_THAT(tls_context::server({.certificate_file = c / "server.pem"}).error(),
              HasSubstr("no private key in PEM form"));
  EXPECT_THAT(tls_context::client({.ca_file = c / "server.key"}).error(),
              HasSubstr("holds no certificates"));
}

TEST(tcp_listener, waits_for_descriptors_without_spinning_and_goes_on) {
  shard home;
  std::vector<unique_fd> accepted;
  auto listening = tcp_listener::listen(
      home, *socket_address::parse("127.0.0.1:0"),
      [&](unique_fd fd, const socket_address&) { accepted.push_back(std::move(fd)); });
  ASSERT_TRUE(listening) << listening.error();
  std::vector<raw_peer_for_test> peers;
  for (int i = 0; i < 5; ++i) peers.emplace_back((*listening)->address());
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  testing::internal::CaptureStderr();
  rlimit none = usual;
  none.rlim_cur = static_cast<rlim_t>(unique_fd{::dup(0)}.get()); // the lowest that is free
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto turns = home.turns();
  EXPECT_FALSE(home.run_until([&] { return !accepted.empty(); }, milliseconds{350}));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_LT(home.turns() - turns, 20U);
  EXPECT_EQ(log.find("raise the limit"), log.rfind("raise the limit")) << "told once: " << log;
  EXPECT_TRUE(home.run_until([&] { return accepted.size() == peers.size(); }));
}

TEST(tcp_listener, tells_why_it_cannot_listen) {
  shard home;
  const auto ignore = [](unique_fd, const socket_address&) {};
  auto first = tcp_listener::listen(home, *socket_address::parse("127.0.0.1:0"), ignore);
  ASSERT_TRUE(first);
  const auto second = tcp_listener::listen(home, (*first)->address(), ignore);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("another program listens there"));
  const auto strange = tcp_listener::listen(home, *socket_address::parse("192.0.2.1:0"), ignore);
  ASSERT_FALSE(strange);
  EXPECT_THAT(strange.error(), HasSubstr("does not have that address"));
}

} // namespace

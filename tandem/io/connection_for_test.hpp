// SPDX-License-Identifier: Apache-2.0
// For tests of connections: both ends on one shard, over a plain channel and over TLS. Every rule
// of a connection is tested over both.
#pragma once

#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tandem::io {

inline const certificates_for_test& test_certificates() {
  static const certificates_for_test made;
  return made;
}

inline tls_context server_tls(const std::string& client_ca = {}) {
  auto made = tls_context::server({.certificate_file = test_certificates() / "server.pem",
                                   .key_file = test_certificates() / "server.key",
                                   .client_ca_file = client_ca});
  EXPECT_TRUE(made) << made.error();
  return made.value_or(tls_context{});
}

inline tls_context client_tls(const tls_client_options& options = {.ca_file = test_certificates() /
                                                                              "ca.pem"}) {
  auto made = tls_context::client(options);
  EXPECT_TRUE(made) << made.error();
  return made.value_or(tls_context{});
}

/// One end of a connection that writes down what happens to it.
struct end_point final : connection_handler {
  explicit end_point(shard& loop, const connection_limits& limits = {})
      : connection{loop, *this, limits} {}
  void on_connected() override { ++connected; }
  void on_data(std::string_view bytes) override {
    received += bytes;
    ++reads;
    if (echoes) connection.write(bytes);
    if (finishes_after != 0 && received.size() >= finishes_after) connection.finish();
  }
  half_close on_peer_finished() override {
    ++peer_finished;
    return when_peer_finishes;
  }
  void on_drained() override { ++drained; }
  void on_unsent(send_token token, connection_end why) override {
    EXPECT_FALSE(closed) << "told after the end";
    unsent.emplace_back(token.a, why);
  }
  void on_closed(connection_end why, std::string_view text) override {
    EXPECT_FALSE(closed) << "told twice";
    closed = why;
    detail = text;
  }
  bool say(std::string_view text, std::uint32_t token) {
    return connection.send(block_ref::copy_of(text), static_cast<std::uint32_t>(text.size()),
                           {token, 0, 0});
  }

  io::connection connection;
  bool echoes = false;
  std::size_t finishes_after = 0;
  half_close when_peer_finishes = half_close::finish;
  int connected = 0;
  int drained = 0;
  int reads = 0;
  int peer_finished = 0;
  std::string received;
  std::vector<std::pair<std::uint32_t, connection_end>> unsent;
  std::optional<connection_end> closed;
  std::string detail;
};

/// A listener, what it accepts last, and a client; plain, or TLS when the parameter says so.
class connections_over : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (is_tls()) {
      accepting = server_tls();
      connecting = client_tls();
    }
    listen("127.0.0.1:0");
  }
  [[nodiscard]] bool is_tls() const { return GetParam(); }

  void listen(const char* at) {
    auto listening = tcp_listener::listen(
        loop, *socket_address::parse(at), [this](unique_fd fd, const socket_address& peer) {
          ++accepted;
          server->connection.accept(std::move(fd), peer, accepting);
        });
    ASSERT_TRUE(listening) << listening.error();
    listener = std::move(*listening);
  }
  /// New ends, with these limits.
  void renew(const connection_limits& of_server, const connection_limits& of_client = {}) {
    server = std::make_unique<end_point>(loop, of_server);
    client = std::make_unique<end_point>(loop, of_client);
    accepted = 0;
  }
  void connect(const std::string& host = "localhost") {
    client->connection.connect(listener->address(), connecting, host);
  }
  void connect_both() {
    connect();
    ASSERT_TRUE(loop.run_until(
        [&] { return client->connection.is_connected() && server->connection.is_connected(); }));
  }
  /// Turns of the loop, until what was ready has been told.
  void let_pass() {
    bool has_passed = false;
    loop.post([&] { loop.post([&] { has_passed = true; }); });
    EXPECT_TRUE(loop.run_until([&] { return has_passed; }));
  }

  shard loop;
  tls_context accepting;
  tls_context connecting;
  int accepted = 0;
  std::unique_ptr<end_point> server = std::make_unique<end_point>(loop);
  std::unique_ptr<end_point> client = std::make_unique<end_point>(loop);
  std::unique_ptr<tcp_listener> listener;
};

inline const auto both_channels = ::testing::Bool();
inline std::string name_of_channel(const ::testing::TestParamInfo<bool>& which) {
  return which.param ? "tls" : "plain";
}

} // namespace tandem::io

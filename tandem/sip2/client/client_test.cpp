// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/client.hpp>

#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>

namespace tandem::sip2 {
namespace {

using testing::HasSubstr;

/// A server on a thread of its own that treats every line alike.
class server final : io::connection_handler {
 public:
  enum class habit { answers, hangs_up, is_silent };

  server(habit how, const io::tls_context& tls) : habit_{how} {
    listener_ = io::tcp_listener::listen(loop_, *socket_address::parse("127.0.0.1:0"),
                                         [this, tls](io::unique_fd fd, const socket_address& peer) {
                                           connection_.accept(std::move(fd), peer, tls);
                                         })
                    .value();
    port_ = listener_->address().port;
    thread_ = std::thread{[this] { loop_.run(); }};
  }
  ~server() {
    loop_.stop();
    thread_.join();
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Why the last connection ended; after the destruction of the client.
  [[nodiscard]] io::connection_end wait_for_end() const {
    const instant limit = now() + seconds{10};
    while (!has_ended_ && now() < limit) std::this_thread::yield();
    EXPECT_TRUE(has_ended_);
    return end_;
  }

 private:
  void on_data(std::string_view bytes) override {
    if (!bytes.ends_with('\r') || habit_ == habit::is_silent) return;
    if (habit_ == habit::answers) return connection_.write("941\r");
    connection_.finish();
  }
  void on_closed(io::connection_end why, std::string_view) override {
    end_ = why;
    has_ended_ = true;
  }

  habit habit_;
  io::shard loop_;
  io::connection connection_{loop_, *this};
  std::unique_ptr<io::tcp_listener> listener_;
  std::uint16_t port_ = 0;
  io::connection_end end_{};
  std::atomic<bool> has_ended_ = false;
  std::thread thread_;
};

const io::certificates_for_test& certificates() {
  static const io::certificates_for_test made;
  return made;
}

/// Over TLS when the parameter says so.
struct sip2_client : testing::TestWithParam<bool> {
  [[nodiscard]] static io::tls_context tls() {
    if (!GetParam()) return {};
    return io::tls_context::server({.certificate_file = certificates() / "server.pem",
                                    .key_file = certificates() / "server.key"})
        .value();
  }
  [[nodiscard]] static client_options to(std::uint16_t port) {
    client_options options;
    options.host = "127.0.0.1";
    options.port = port;
    options.has_tls = GetParam();
    options.ca_file = certificates() / "ca.pem";
    return options;
  }
};

TEST_P(sip2_client, asks_and_is_answered_and_the_server_knows_that_it_has_heard_all) {
  const server library{server::habit::answers, tls()};
  {
    auto c = client::connect(to(library.port()));
    ASSERT_TRUE(c) << c.error().text;
    for (int i = 0; i < 3; ++i) {
      const auto accepted = c->login("user", "password");
      ASSERT_TRUE(accepted) << accepted.error().text;
      EXPECT_TRUE(*accepted);
    }
    EXPECT_EQ(c->received(), "941");
  }
  EXPECT_EQ(library.wait_for_end(), io::connection_end::by_peer);
}

TEST_P(sip2_client, tells_that_the_server_hung_up) {
  const server library{server::habit::hangs_up, tls()};
  auto c = client::connect(to(library.port()));
  ASSERT_TRUE(c) << c.error().text;
  const auto answer = c->ask_raw("99");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, client_errc::connection_lost);
  EXPECT_THAT(answer.error().text, HasSubstr("the server hung up"));
}

TEST_P(sip2_client, tells_that_no_answer_came_in_time) {
  const server library{server::habit::is_silent, tls()};
  auto options = to(library.port());
  options.answer_limit = milliseconds{50};
  auto c = client::connect(options);
  ASSERT_TRUE(c) << c.error().text;
  const auto answer = c->ask_raw("99");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, client_errc::no_answer);
}

TEST_P(sip2_client, tells_that_nobody_listens_or_that_there_is_no_such_host) {
  const io::closed_port_for_test nobody;
  const auto refused = client::connect(to(nobody.address().port));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, client_errc::cannot_connect);
  EXPECT_THAT(refused.error().text, HasSubstr("refused"));
  auto options = to(nobody.address().port);
  options.host = "not a host";
  const auto unknown = client::connect(options);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().text, HasSubstr("not a host"));
}

INSTANTIATE_TEST_SUITE_P(over, sip2_client, testing::Bool(),
                         [](const auto& which) { return which.param ? "tls" : "plain"; });

struct sip2_client_tls : sip2_client {};

TEST_P(sip2_client_tls, wants_the_server_to_prove_its_name) {
  const server library{server::habit::answers, tls()};
  auto options = to(library.port());
  options.server_name = "example.net";
  const auto c = client::connect(options);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, client_errc::cannot_connect);
  EXPECT_THAT(c.error().text, HasSubstr("hostname mismatch"));
}

TEST_P(sip2_client_tls, tells_that_a_port_may_not_speak_it) {
  const server library{server::habit::is_silent, {}};
  auto options = to(library.port());
  options.connect_limit = milliseconds{100};
  const auto c = client::connect(options);
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().code, client_errc::cannot_connect);
  EXPECT_THAT(c.error().text, HasSubstr("does that port speak TLS?"));
}

INSTANTIATE_TEST_SUITE_P(over, sip2_client_tls, testing::Values(true),
                         [](const auto&) { return "tls"; });

} // namespace
} // namespace tandem::sip2

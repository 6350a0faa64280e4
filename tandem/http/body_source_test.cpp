// SPDX-License-Identifier: Apache-2.0
// Answers whose body comes in pieces, over real sockets.
#include <tandem/http/client.hpp>
#include <tandem/http/server.hpp>

#include <tandem/io/raw_peer_for_test.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <optional>

namespace tandem::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A body of so many pieces, each of which is asked for when the one before was taken.
struct counted_pieces final : body_source {
  explicit counted_pieces(std::size_t all, std::size_t bytes) : left{all}, size{bytes} {}
  void next(taker brought) override {
    ++asked;
    if (breaks_at == left) return brought(std::nullopt);
    --left;
    brought(body_piece{std::string(size, 'x'),
                       left == 0 ? body_piece::place::last : body_piece::place::inside});
  }
  std::size_t left;
  std::size_t size;
  std::size_t asked = 0;
  std::optional<std::size_t> breaks_at;
};

/// A server that answers GET / with that body.
struct streaming_server {
  explicit streaming_server(io::shard& loop, const std::shared_ptr<counted_pieces>& body,
                            server_options options = {})
      : server{loop, std::move(options)} {
    server.route("GET", "/", route_access::open, [body](request&&, responder answer) {
      answer.respond({.headers = {{"Content-Type", "text/plain"}}}, body);
    });
    at = *server.listen(*socket_address::parse("127.0.0.1:0"));
  }
  http::server server;
  socket_address at;
};

class body_in_pieces : public ::testing::Test {
 protected:
  static client_options options_for(const socket_address& at) {
    client_options options;
    options.server = *url::parse("http://localhost:" + std::to_string(at.port));
    return options;
  }
  client_result get(client& by, std::string target = "/") {
    std::optional<client_result> result;
    by.send({.target = std::move(target)}, seconds{10},
            [&](client_result&& r) { result = std::move(r); });
    EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }, seconds{20}));
    return result ? std::move(*result) : fail(client_error{});
  }
  /// What the server answers to these bytes until it closes.
  std::string talk(const socket_address& at, std::string_view bytes) {
    io::raw_peer_for_test peer{at};
    peer.say(bytes);
    std::string all;
    EXPECT_TRUE(loop.run_until([&] {
      all += peer.heard();
      return peer.has_heard_the_end();
    }));
    return all;
  }

  io::shard loop;
};

TEST_F(body_in_pieces, is_whole_and_the_connection_goes_on_rfc_9112_7_1) {
  const auto body = std::make_shared<counted_pieces>(50, 10'000);
  streaming_server of{loop, body};
  client client{loop, options_for(of.at)};
  for (int i = 0; i < 2; ++i) {
    body->left = 50;
    const auto got = get(client);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->body.size(), 500'000U);
    EXPECT_EQ(find_header(got->headers, "Transfer-Encoding"), "chunked");
  }
  EXPECT_EQ(of.server.connections(), 1U) << "the same one";
  body->left = 3;
  const std::string head = talk(of.at, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") + 4 == head.size()) << head;
  EXPECT_EQ(body->left, 3U) << "nothing was asked for";
}

// RFC 9112 6.1: who speaks HTTP/1.0 is sent no chunks.
TEST_F(body_in_pieces, ends_with_the_connection_for_http_1_0) {
  const auto body = std::make_shared<counted_pieces>(3, 5);
  streaming_server of{loop, body};
  const std::string got = talk(of.at, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(got, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(got, Not(HasSubstr("chunked")));
  EXPECT_TRUE(got.ends_with("\r\n\r\nxxxxxxxxxxxxxxx")) << got;
}

TEST_F(body_in_pieces, that_cannot_go_on_is_not_whole) {
  const auto body = std::make_shared<counted_pieces>(5, 5);
  body->breaks_at = 2;
  streaming_server of{loop, body};
  client client{loop, options_for(of.at)};
  EXPECT_FALSE(get(client));
  EXPECT_EQ(of.server.connections(), 0U);
}

// What is kept for it is a piece and what the kernel holds; after a while it is dropped.
TEST_F(body_in_pieces, holds_up_nobody_when_it_is_not_read_and_is_then_dropped) {
  const auto body = std::make_shared<counted_pieces>(100'000, 10'000);
  streaming_server of{loop, body, {.request_deadline = milliseconds{300}}};
  io::raw_peer_for_test stuck{of.at};
  stuck.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(loop.run_until([&] { return body->asked > 0; }));
  EXPECT_EQ(of.server.connections(), 1U);
  of.server.route("GET", "/other", route_access::open,
                  [](request&&, responder answer) { answer.respond({.body = "quick"}); });
  client client{loop, options_for(of.at)};
  const auto got = get(client, "/other");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body, "quick");
  ASSERT_TRUE(loop.run_until([&] { return body.use_count() == 2; })) << "the route has it alone";
  EXPECT_LT(body->asked, 2'000U) << "20 MB";
}

TEST_F(body_in_pieces, ends_when_its_peer_goes_away_and_when_the_server_stops) {
  for (const bool is_stopped : {false, true}) {
    const auto body = std::make_shared<counted_pieces>(100'000, 10'000);
    streaming_server of{loop, body};
    io::raw_peer_for_test peer{of.at};
    peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(loop.run_until([&] { return body->asked > 0; }));
    bool is_over = false;
    if (is_stopped)
      of.server.stop(milliseconds{100}, [&] { is_over = true; });
    else
      peer.reset();
    ASSERT_TRUE(loop.run_until([&] { return of.server.connections() == 0; }));
    EXPECT_EQ(is_over, is_stopped);
  }
}

} // namespace
} // namespace tandem::http

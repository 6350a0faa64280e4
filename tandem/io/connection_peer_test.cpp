// SPDX-License-Identifier: Apache-2.0
// What peers may do to a connection: half-close, reset, cut records, not read, say nothing.
#include <tandem/io/connection.hpp>

#include <tandem/io/connection_for_test.hpp>
#include <tandem/io/raw_peer_for_test.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace tandem::io {
namespace {

class connection_peers : public connections_over {
 protected:
  /// A peer whose connection is up at the server.
  std::unique_ptr<raw_peer_for_test> meet() {
    auto peer = std::make_unique<raw_peer_for_test>(listener->address(), connecting);
    EXPECT_TRUE(
        loop.run_until([&] { return peer->shake_hands() && server->connection.is_connected(); }));
    return peer;
  }
};

TEST_P(connection_peers, may_go_on_to_read_when_they_have_finished) {
  server->when_peer_finishes = half_close::keep;
  const auto peer = meet();
  peer->say("question");
  peer->finish();
  ASSERT_TRUE(loop.run_until([&] { return server->peer_finished == 1; }));
  EXPECT_EQ(server->received, "question");
  server->connection.write("answer");
  std::string heard;
  ASSERT_TRUE(loop.run_until([&] { return (heard += peer->heard()) == "answer"; }));
  server->connection.finish();
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::finished);
  EXPECT_EQ(peer->heard(), "");
  EXPECT_TRUE(peer->has_heard_the_end());
}

// RFC 8446 6.1: before it closes the writing side, each party sends close_notify.
TEST_P(connection_peers, are_told_that_it_was_all_however_the_connection_is_closed) {
  enum class way { close, destruction, displacement, idleness };
  using enum way;
  for (const auto how : {close, destruction, displacement, idleness}) {
    SCOPED_TRACE(static_cast<int>(how));
    renew({.idle = how == idleness ? milliseconds{20} : connection_limits::none});
    const auto peer = meet();
    server->connection.write("all");
    std::string heard;
    ASSERT_TRUE(loop.run_until([&] { return (heard += peer->heard()) == "all"; }));
    peer->say("not read"); // the kernel must not answer it with a reset
    if (how == close) server->connection.close();
    if (how == destruction) server.reset();
    if (how == displacement) server->connection.give_up_place();
    ASSERT_TRUE(loop.run_until([&] {
      heard += peer->heard();
      return peer->has_heard_the_end();
    })) << "it was cut off";
    EXPECT_EQ(heard, "all");
  }
}

TEST_P(connection_peers, are_not_told_that_it_was_all_when_something_did_not_leave) {
  if (!is_tls()) GTEST_SKIP() << "without TLS nothing tells an end from a cut";
  renew({.output_bytes = std::size_t{64} << 20U});
  for (const bool is_full : {false, true}) {
    const auto peer = meet();
    server->connection.write(std::string(is_full ? std::size_t{16} << 20U : 5U, 'x'));
    if (is_full) let_pass(); // the buffers are full: nothing may wait for them
    ASSERT_GT(server->connection.waiting_output(), 0U);
    server->connection.close();
    EXPECT_FALSE(server->connection.is_open());
    char byte = 0;
    ASSERT_TRUE(loop.run_until([&] {
      static_cast<void>(peer->heard());
      return ::recv(peer->fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    }));
    EXPECT_FALSE(peer->has_heard_the_end()) << "half of it looks whole";
  }
}

TEST_P(connection_peers, get_what_waits_for_them_though_they_have_finished) {
  renew({.output_bytes = std::size_t{64} << 20U});
  const auto peer = meet();
  const std::string much(std::size_t{16} << 20U, 'x');
  server->connection.write(much);
  let_pass(); // the buffers are full
  ASSERT_GT(server->connection.waiting_output(), 0U);
  peer->finish();
  ASSERT_TRUE(loop.run_until([&] { return server->peer_finished == 1; }));
  EXPECT_FALSE(server->connection.takes_output());
  std::string heard;
  ASSERT_TRUE(loop.run_until([&] {
    heard += peer->heard();
    return server->closed.has_value();
  }));
  heard += peer->heard();
  EXPECT_EQ(heard.size(), much.size());
  EXPECT_TRUE(peer->has_heard_the_end());
  EXPECT_EQ(server->closed, connection_end::by_peer);
}

TEST_P(connection_peers, are_told_to_have_finished_once) {
  server->when_peer_finishes = half_close::keep;
  const auto peer = meet();
  peer->finish();
  ASSERT_TRUE(loop.run_until([&] { return server->peer_finished == 1; }));
  for (int i = 0; i < 3; ++i) {
    server->connection.pause_reading();
    server->connection.resume_reading();
    let_pass();
  }
  EXPECT_EQ(server->peer_finished, 1);
}

TEST_P(connection_peers, that_reset_end_it) {
  for (const bool is_paused : {false, true}) {
    renew({});
    const auto peer = meet();
    if (is_paused) server->connection.pause_reading();
    server->say("unsent", 4);
    peer->reset();
    ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
    EXPECT_EQ(server->closed, connection_end::lost);
  }
}

TEST_P(connection_peers, that_reset_behind_their_fin_end_it_and_the_loop_sleeps) {
  for (const bool is_paused : {false, true}) {
    renew({});
    server->when_peer_finishes = half_close::keep;
    const auto peer = meet();
    peer->say("question");
    ASSERT_TRUE(loop.run_until([&] { return server->received == "question"; }));
    if (is_paused) server->connection.pause_reading();
    peer->finish();
    if (!is_paused) {
      ASSERT_TRUE(loop.run_until([&] { return server->peer_finished == 1; }));
    }
    const auto turns = loop.turns();
    EXPECT_FALSE(loop.run_until([&] { return server->closed.has_value(); }, milliseconds{20}));
    EXPECT_LT(loop.turns() - turns, 5U) << "nothing happens after the FIN";
    peer->reset();
    ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
    EXPECT_LT(loop.turns() - turns, 10U);
    EXPECT_EQ(server->closed, connection_end::lost);
    EXPECT_LE(server->peer_finished, 1) << "it is told once";
  }
}

TEST_P(connection_peers, may_send_byte_by_byte) {
  const auto peer = meet();
  const std::string bytes = peer->as_sent("a message in pieces");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto turns = loop.turns();
    peer->send_raw(bytes.substr(i, 1));
    ASSERT_TRUE(loop.run_until([&] { return loop.turns() > turns; }));
  }
  ASSERT_TRUE(loop.run_until([&] { return server->received == "a message in pieces"; }));
  EXPECT_TRUE(server->connection.is_open());
}

TEST_P(connection_peers, that_stop_inside_a_piece_cost_no_turns) {
  const auto peer = meet();
  std::string bytes = peer->as_sent("half");
  bytes += peer->as_sent("of this");
  peer->send_raw(bytes.substr(0, bytes.size() - 3));
  let_pass();
  const auto turns = loop.turns();
  EXPECT_FALSE(loop.run_until([&] { return server->closed.has_value(); }, milliseconds{20}));
  EXPECT_LT(loop.turns() - turns, 5U);
  peer->send_raw(bytes.substr(bytes.size() - 3));
  ASSERT_TRUE(loop.run_until([&] { return server->received == "halfof this"; }));
}

TEST_P(connection_peers, that_take_nothing_end_it_whether_it_is_finished_or_not) {
  for (const bool is_finished : {false, true}) {
    renew({.output = milliseconds{100}, .output_bytes = std::size_t{64} << 20U});
    const auto peer = meet();
    for (int i = 0; i < 300; ++i) server->say(std::string(60'000, 'x'), 1);
    if (is_finished) server->connection.finish();
    ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
    EXPECT_EQ(server->closed, connection_end::output_limit);
    EXPECT_FALSE(server->unsent.empty());
  }
}

TEST_P(connection_peers, that_do_not_close_in_their_turn_are_left) {
  const auto peer = meet();
  server->connection.write("bye");
  server->connection.finish();
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::finished);
  EXPECT_EQ(peer->heard(), "bye");
  EXPECT_TRUE(peer->has_heard_the_end());
}

TEST_P(connection_peers, are_heard_to_the_last_byte_before_their_end) {
  const auto peer = meet();
  const std::string much(300'000, 'x');
  std::string bytes;
  for (int i = 0; i < 30; ++i) bytes += peer->as_sent(much.substr(0, 10'000));
  std::size_t sent = 0; // a piece a turn: nobody reads while this thread sends
  ASSERT_TRUE(loop.run_until([&] {
    const std::size_t piece = std::min<std::size_t>(20'000, bytes.size() - sent);
    peer->send_raw(std::string_view{bytes}.substr(sent, piece));
    sent += piece;
    if (sent == bytes.size()) peer->finish();
    return sent == bytes.size();
  }));
  ASSERT_TRUE(loop.run_until([&] { return server->closed.has_value(); }));
  EXPECT_EQ(server->closed, connection_end::by_peer);
  EXPECT_EQ(server->received.size(), much.size());
}

INSTANTIATE_TEST_SUITE_P(over, connection_peers, both_channels, name_of_channel);

} // namespace
} // namespace tandem::io

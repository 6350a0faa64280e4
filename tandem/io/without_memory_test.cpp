// SPDX-License-Identifier: Apache-2.0
// Each allocation of a connection's life fails in turn: that connection ends, and is told so; the
// one beside it, and the next one, do not notice.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/io/connection_for_test.hpp>

#include <thread>

namespace tandem::io {
namespace {

using tandem::for_test::allocations;
using tandem::for_test::failing_allocation;

/// Both ends of a connection. The server's echoes.
struct pair_of_ends {
  explicit pair_of_ends(shard& loop) : server{loop}, client{loop} {
    server.echoes = true;
    server.received.reserve(100);
    client.received.reserve(100);
  }
  [[nodiscard]] bool has_echo() const noexcept { return client.received == "question"; }
  [[nodiscard]] bool has_ended() const noexcept { return client.closed.has_value(); }
  end_point server;
  end_point client;
};

struct home_of_pairs {
  home_of_pairs(tls_context server, tls_context client)
      : accepting{std::move(server)}, connecting{std::move(client)} {
    listener =
        tcp_listener::listen(loop, *socket_address::parse("127.0.0.1:0"),
                             [this](unique_fd fd, const socket_address& from) {
                               next->server.connection.accept(std::move(fd), from, accepting);
                             })
            .value();
  }
  /// \return what came of it
  bool ask(pair_of_ends& pair) {
    next = &pair;
    if (!pair.client.connection.is_open())
      pair.client.connection.connect(listener->address(), connecting, name);
    try {
      pair.client.connection.write("question");
    } catch (const std::bad_alloc&) { // the caller knows
      pair.client.connection.close();
      return false;
    }
    EXPECT_TRUE(loop.run_until([&] { return pair.has_echo() || pair.has_ended(); }))
        << "nobody is told";
    return pair.has_echo();
  }
  const std::string name = "localhost";
  shard loop;
  tls_context accepting;
  tls_context connecting;
  pair_of_ends* next = nullptr;
  std::unique_ptr<tcp_listener> listener;
};

class without_memory : public ::testing::TestWithParam<bool> {};

TEST_P(without_memory, one_connection_ends_and_no_other) {
  const bool is_tls = GetParam();
  const auto accepting = is_tls ? server_tls() : tls_context{};
  const auto connecting = is_tls ? client_tls() : tls_context{};
  bool is_beyond = false;
  // A handshake makes thousands: some of OpenSSL's own stand for the others.
  for (std::size_t n = 1; !is_beyond && !HasFailure(); n += 1 + n / 64) {
    ASSERT_LT(n, 20'000U);
    // A thread of its own, since blocks that a thread has had are had without allocation.
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      home_of_pairs h{accepting, connecting};
      pair_of_ends bystander{h.loop};
      EXPECT_TRUE(h.ask(bystander));
      bystander.client.received.clear();
      {
        pair_of_ends victim{h.loop};
        failing_allocation = allocations + n;
        h.ask(victim);
        is_beyond = allocations < failing_allocation;
        failing_allocation = 0;
        if (!is_beyond && victim.client.closed == connection_end::no_memory) {
          EXPECT_GT(h.loop.lost().value(), 0U) << "it is counted";
        }
      }
      EXPECT_TRUE(h.ask(bystander)) << "the one beside it goes on";
      pair_of_ends next{h.loop};
      EXPECT_TRUE(h.ask(next)) << "the next one works";
    }}.join();
  }
}

INSTANTIATE_TEST_SUITE_P(over, without_memory, both_channels, name_of_channel);

} // namespace
} // namespace tandem::io
#endif

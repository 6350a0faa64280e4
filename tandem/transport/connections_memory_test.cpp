// SPDX-License-Identifier: Apache-2.0
// Each allocation of a message over a stream fails in turn: the message is lost, or its connection
// ends and that is told; nothing stays behind, and the next message passes.
#include <tandem/base/count_allocations_for_test.hpp>
#ifdef TANDEM_COUNTS_ALLOCATIONS
#include <tandem/transport/connections.hpp>

#include <gtest/gtest.h>
#include <thread>

namespace tandem::transport {
namespace {

using tandem::for_test::allocations;
using tandem::for_test::failing_allocation;

/// Counts, and wants no memory for it.
struct counting_owner final : stream_owner {
  void on_stream_message(block_ref&&, std::uint32_t, const stack::arrival& from) override {
    ++messages;
    last = from.flow;
  }
  void on_stream_broken(block_ref&&, std::uint32_t, sip::parse_errc,
                        const stack::arrival&) override {
    ADD_FAILURE() << "what is missing was taken for nonsense";
  }
  void on_stream_ping() override {}
  void on_stream_send_error(stack::origin, std::uint16_t, stack::send_error) override { ++failed; }
  unsigned messages = 0;
  unsigned failed = 0;
  flow_handle last;
};

struct two_elements {
  two_elements() {
    to.address =
        server
            .listen(transport_kind::tcp, *socket_address::parse("127.0.0.1:0"), io::port_use::alone)
            .value();
    to.transport = transport_kind::tcp;
  }
  /// \return whether it was taken
  bool send(connections& from, const stack::target& where) {
    const auto text = stack::wire_message::copy_of(
        "OPTIONS sip:somebody@example.org SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    if (failing != 0) failing_allocation = allocations + failing;
    try {
      from.send(where, {}, text, {7, 1, stack::origin::kind::client}, 0);
    } catch (const std::bad_alloc&) { // the transport of the shard counts it
      return false;
    }
    return true;
  }

  io::shard loop;
  counting_owner server_user;
  counting_owner client_user;
  transport_options options;
  connections server{loop, server_user, options};
  connections client{loop, client_user, options};
  stack::target to;
  std::size_t failing = 0;
};

TEST(connections_without_memory, lose_a_message_or_end_and_carry_the_next_one) {
  bool is_beyond = false;
  for (std::size_t n = 1; !is_beyond && !::testing::Test::HasFailure(); ++n) {
    ASSERT_LT(n, 5'000U);
    std::thread{[&] {
      SCOPED_TRACE("allocation " + std::to_string(n));
      two_elements e;
      e.failing = n;
      if (e.send(e.client, e.to)) {
        EXPECT_TRUE(e.loop.run_until([&] {
          return e.server_user.messages == 1 || e.client_user.failed > 0 ||
                 (e.client.size() == 0 && e.server.size() == 0);
        })) << "nobody is told";
      }
      is_beyond = allocations < failing_allocation;
      failing_allocation = e.failing = 0;
      const unsigned before = e.server_user.messages;
      // A connection that has just ended at the other side takes one more message with it.
      for (int attempt = 0; attempt < 2 && e.server_user.messages == before; ++attempt) {
        const unsigned failed = e.client_user.failed;
        EXPECT_TRUE(e.send(e.client, e.to));
        EXPECT_TRUE(e.loop.run_until([&] {
          return e.server_user.messages > before || e.client_user.failed > failed ||
                 e.client.size() == 0;
        }));
      }
      EXPECT_EQ(e.server_user.messages, before + 1) << "the next one passes";
      stack::target back;
      back.flow = e.server_user.last;
      back.transport = transport_kind::tcp;
      EXPECT_TRUE(e.send(e.server, back));
      EXPECT_TRUE(e.loop.run_until([&] { return e.client_user.messages == 1; }));
      e.server.close(e.server_user.last);
      EXPECT_TRUE(e.loop.run_until([&] { return e.client.size() == 0 && e.server.size() == 0; }))
          << "one stays behind";
    }}.join();
  }
}

} // namespace
} // namespace tandem::transport
#endif

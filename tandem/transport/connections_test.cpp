// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connections.hpp>

#include <tandem/io/raw_peer_for_test.hpp>

#include <gtest/gtest.h>
#include <vector>

namespace tandem::transport {
namespace {

/// Writes down what the connections report.
struct owner final : stream_owner {
  void on_stream_message(block_ref&&, std::uint32_t, const stack::arrival& from) override {
    flow = from.flow;
  }
  void on_stream_broken(block_ref&&, std::uint32_t, sip::parse_errc,
                        const stack::arrival&) override {}
  void on_stream_ping() override {}
  void on_stream_send_error(stack::origin of, std::uint16_t, stack::send_error why) override {
    failed.emplace_back(of, why);
  }
  flow_handle flow;
  std::vector<std::pair<stack::origin, stack::send_error>> failed;
};

socket_address local_address(const io::raw_peer_for_test& peer) {
  return io::bound_address(peer.fd());
}

TEST(connections, what_waits_in_one_that_makes_room_for_another_is_reported) {
  io::shard home;
  owner user;
  transport_options options;
  options.connections = 1;
  connections all{home, user, options};
  const auto at = all.listen(*socket_address::parse("127.0.0.1:0"), io::port_use::alone);
  ASSERT_TRUE(at) << at.error();
  const io::raw_peer_for_test silent{*at};
  ASSERT_TRUE(home.run_until([&] { return all.size() == 1; }));
  const io::raw_peer_for_test next{*at}; // it will be accepted before the message leaves
  stack::target to;
  to.address = local_address(silent);
  to.transport = transport_kind::tcp;
  const stack::origin of{7, 1, stack::origin::kind::client};
  all.send(to, {}, stack::wire_message::copy_of("OPTIONS"), of, 0);
  EXPECT_TRUE(user.failed.empty()) << "never from inside";
  ASSERT_TRUE(home.run_until([&] { return !user.failed.empty(); }));
  EXPECT_EQ(user.failed, (std::vector{std::pair{of, stack::send_error::closed}}));
  EXPECT_EQ(all.size(), 1U);
}

} // namespace
} // namespace tandem::transport

// SPDX-License-Identifier: Apache-2.0
// Which socket a message leaves by, and groups that are only listened to.
#include <tandem/transport/testbed_for_test.hpp>

#include <memory>
#include <stdexcept>

namespace tandem::transport {
namespace {

TEST(listeners, send_from_the_address_that_the_routing_table_chooses_when_told) {
  // The kernel sends from 127.0.0.1 to every loopback address, whoever listens first.
  for (const bool follows : {false, true}) {
    transport_options options;
    options.follows_routes = follows;
    testbed bed{1, "127.0.0.2:0 127.0.0.1:0", options};
    udp_client peer{bed.shards[0], "127.0.0.3:0"};
    stack::target to;
    to.address = peer.socket->local();
    const std::string host = follows ? "127.0.0.1" : "127.0.0.2";
    EXPECT_TRUE(bed.net[0].sent_by(to).starts_with(host)) << bed.net[0].sent_by(to);
    bed.net[0].send(to, stack::wire_message::copy_of("OPTIONS"), {});
    ASSERT_TRUE(bed.wait([&] { return peer.got.size() == 1; }));
    EXPECT_EQ(peer.sources[0].ip.to_string(), host);
    to.transport = transport_kind::tcp;
    EXPECT_TRUE(bed.net[0].sent_by(to).starts_with(host)) << bed.net[0].sent_by(to);
  }
}

TEST(listeners, on_the_loopback_reach_the_other_addresses_of_this_host_and_no_further) {
  const listener_table table{testbed::points_at("127.0.0.1:5060")};
  EXPECT_EQ(table.choose(transport_kind::udp, ip_address::v4(127, 0, 0, 3)), 0U);
  EXPECT_EQ(table.choose(transport_kind::udp, ip_address::v4(198, 51, 100, 1)), table.none);
  for (const interface_address& own : local_interfaces()) {
    if (!own.ip.is_v4() || own.ip.is_loopback()) continue;
    testbed bed;
    udp_client phone{bed.shards[0], (own.ip.to_string() + ":0").c_str()};
    stack::target to;
    to.address = phone.socket->local();
    bed.net[0].send(to, stack::wire_message::copy_of("OPTIONS"), {});
    ASSERT_TRUE(bed.wait([&] { return phone.got.size() == 1; })) << own.name;
    EXPECT_EQ(phone.sources[0], bed.udp());
  }
}

// RFC 3261 18.2.2
TEST(connections, that_are_gone_are_opened_again_for_a_response_and_for_nothing_else) {
  testbed bed;
  testbed peer;
  stack::target to;
  to.transport = transport_kind::tcp;
  to.address = peer.tcp();
  to.flow = {7, 7, 0}; // of a connection that nobody has any more
  const auto send = [&](std::string_view call_id) {
    bed.net[0].send(to, stack::wire_message::copy_of(options_request(call_id, "TCP", "127.0.0.1")),
                    {});
  };
  send("no-other");
  to.may_reconnect = true;
  send("first");
  send("second");
  ASSERT_TRUE(bed.wait([&] {
    // Both run on this thread, turn by turn.
    peer.shards[0].run_until([&] { return peer.elements[0]->requests == 2; }, milliseconds{1});
    return peer.elements[0]->requests == 2;
  }));
  EXPECT_FALSE(peer.elements[0]->shards_of_calls.contains("no-other"));
  EXPECT_EQ(bed.net[0].connection_count(), 1U) << "one connection for both";
}

// RFC 3261 18.1.1, 18.2.2
TEST(listeners, of_a_multicast_group_hear_each_datagram_once_and_send_nothing) {
  std::unique_ptr<testbed> bed;
  try {
    bed = std::make_unique<testbed>(2U, "224.0.1.75:0 0.0.0.0:0");
  } catch (const std::runtime_error& error) {
    GTEST_SKIP() << "this host has no route for multicast: " << error.what();
  }
  udp_client client{bed->shards[0], "0.0.0.0:0"};
  constexpr std::size_t count = 20;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string request = options_request(
        std::to_string(i), "UDP", fmt::format("127.0.0.1:{}", client.socket->local().port));
    // A time to live of 0 would not come back on every kernel; 1 stays on this network.
    client.socket->send(bed->udp(), block_ref::copy_of(request),
                        static_cast<std::uint32_t>(request.size()), {}, {}, 1);
  }
  ASSERT_TRUE(bed->wait([&] { return client.got.size() == count; }));
  for (const std::string& answer : client.got)
    EXPECT_TRUE(answer.starts_with("SIP/2.0 200 ")) << answer;
  bed->shards.join();
  EXPECT_EQ(bed->elements[0]->requests + bed->elements[1]->requests, static_cast<int>(count));
  const listener_table& table = bed->net.listeners();
  EXPECT_EQ(table[0].sent_by, "");
  EXPECT_EQ(table.choose(transport_kind::udp, table[0].address.ip), 1U);
}

} // namespace
} // namespace tandem::transport

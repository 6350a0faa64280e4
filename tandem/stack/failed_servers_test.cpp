// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/failed_servers.hpp>

#include <gtest/gtest.h>

namespace tandem::stack {
namespace {

target server_at(std::string_view address, transport_kind by = transport_kind::udp) {
  target to;
  to.address = *socket_address::parse(address);
  to.transport = by;
  return to;
}

TEST(failed_servers, are_remembered_for_their_time_and_by_transport) {
  failed_servers failed;
  const instant now{};
  const target to = server_at("192.0.2.1:5060");
  EXPECT_FALSE(failed.contains(to, now));
  failed.note(to, now);
  EXPECT_TRUE(failed.contains(to, now + failed_servers::usual_lifetime - milliseconds{1}));
  EXPECT_FALSE(failed.contains(to, now + failed_servers::usual_lifetime));
  EXPECT_FALSE(failed.contains(server_at("192.0.2.1:5060", transport_kind::tcp), now));
  EXPECT_FALSE(failed.contains(server_at("192.0.2.1:5061"), now));
}

TEST(failed_servers, are_remembered_for_as_long_as_they_want_within_bounds) {
  failed_servers failed;
  const instant now{};
  const target to = server_at("192.0.2.1:5060");
  failed.note(to, now, seconds{300});
  EXPECT_TRUE(failed.contains(to, now + seconds{299}));
  failed.note(to, now, seconds{1});
  EXPECT_TRUE(failed.contains(to, now + seconds{59})) << "a wish does not make it shorter";
  failed.note(to, now, seconds{100'000'000});
  EXPECT_FALSE(failed.contains(to, now + failed_servers::longest_lifetime));
}

TEST(failed_servers, are_forgotten_when_they_answer) {
  failed_servers failed;
  const target to = server_at("192.0.2.1:5060");
  failed.forget(to);
  failed.note(to, {});
  failed.forget(to);
  EXPECT_FALSE(failed.contains(to, {}));
  EXPECT_EQ(failed.size(), 0U);
}

TEST(failed_servers, are_bounded_the_oldest_makes_room) {
  failed_servers failed{2};
  failed.note(server_at("192.0.2.1:5060"), {});
  failed.note(server_at("192.0.2.2:5060", transport_kind::tcp), {});
  failed.note(server_at("192.0.2.1:5060"), {}); // it is the younger one now
  failed.note(server_at("192.0.2.3:5060"), {});
  EXPECT_EQ(failed.size(), 2U);
  EXPECT_TRUE(failed.contains(server_at("192.0.2.1:5060"), {}));
  EXPECT_FALSE(failed.contains(server_at("192.0.2.2:5060", transport_kind::tcp), {}));
}

TEST(failed_servers, are_none_when_nobody_wants_them_and_flows_are_none) {
  failed_servers failed;
  target by_flow = server_at("192.0.2.1:5060");
  by_flow.flow = {0, 1, 1};
  failed.note(by_flow, {});
  EXPECT_EQ(failed.size(), 0U);
  failed.note(server_at("192.0.2.1:5060"), {});
  failed.set_lifetime({});
  EXPECT_EQ(failed.size(), 0U);
  failed.note(server_at("192.0.2.1:5060"), {});
  EXPECT_EQ(failed.size(), 0U);
}

} // namespace
} // namespace tandem::stack

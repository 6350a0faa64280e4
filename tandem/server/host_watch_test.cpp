// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/host_watch.hpp>

#include <tandem/names/name_server_for_test.hpp>

#include <gtest/gtest.h>

namespace tandem::server {
namespace {

const std::string gateway = "gw.example.com";
const std::string other = "other.example.com";

struct watched_hosts : testing::Test {
  watched_hosts() {
    server.table[gateway] = {.addresses = {"192.0.2.1"}, .ttl = 1};
    server.table[other] = {.addresses = {"192.0.2.9"}, .ttl = 3600};
  }
  host_addresses look_up(std::vector<std::string> of) {
    std::optional<host_addresses> found;
    hosts.look_up(of, [&](host_addresses all) { found = std::move(all); });
    EXPECT_TRUE(shard.run_until([&] { return found.has_value(); }));
    return found.value_or(host_addresses{});
  }
  static std::vector<ip_address> one(std::string_view text) { return {*ip_address::parse(text)}; }

  io::shard shard;
  names::for_test::name_server server{shard};
  names::resolver resolver{
      shard, {.servers = {server.socket->local()}, .timeout = seconds{5}, .hosts_path = ""}};
  std::shared_ptr<const host_addresses> changed;
  int changes = 0;
  host_watch hosts{shard, resolver, [this](std::shared_ptr<const host_addresses> all) {
                     changed = std::move(all);
                     ++changes;
                   }};
};

TEST_F(watched_hosts, a_name_without_address_has_none_and_the_others_have_theirs) {
  const auto found = look_up({gateway, "none.example.com"});
  EXPECT_EQ(found.at(gateway), one("192.0.2.1"));
  EXPECT_TRUE(found.at("none.example.com").empty());
}

TEST_F(watched_hosts, are_asked_for_again_when_their_time_to_live_is_over_and_not_before) {
  hosts.watch(look_up({gateway, other}));
  server.table[gateway].addresses = {"192.0.2.2"};
  server.table[other].addresses = {"192.0.2.10"};
  ASSERT_TRUE(shard.run_until([&] { return changed != nullptr; }));
  EXPECT_EQ(changed->at(gateway), one("192.0.2.2"));
  EXPECT_EQ(changed->at(other), one("192.0.2.9")) << "its answer still lives";
  EXPECT_EQ(server.asked[other], 2) << "once for each family";
}

TEST_F(watched_hosts, keep_their_addresses_while_no_server_answers_and_lose_them_when_they_go) {
  hosts.watch(look_up({gateway}));
  server.table[gateway].code = 2; // server failure
  const int asked = server.asked[gateway];
  ASSERT_TRUE(shard.run_until([&] { return server.asked[gateway] >= asked + 2; }));
  EXPECT_EQ(changes, 0);
  server.table.erase(gateway);
  ASSERT_TRUE(shard.run_until([&] { return changed != nullptr; }, seconds{20}));
  EXPECT_TRUE(changed->at(gateway).empty());
}

} // namespace
} // namespace tandem::server

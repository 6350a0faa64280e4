// SPDX-License-Identifier: Apache-2.0
// A search for servers with a real resolver and a name server of the tests.
#include <tandem/names/name_server_for_test.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/stack/location_text.hpp>
#include <tandem/transport/locator.hpp>

#include <gtest/gtest.h>
#include <optional>

namespace tandem::transport {
namespace {

struct locating : ::testing::Test {
  locating() : server{loop}, names{loop, options_for(server)} {}
  static names::resolver_options options_for(const names::for_test::name_server& server) {
    names::resolver_options made;
    made.servers = {server.socket->local()};
    made.timeout = milliseconds{50};
    made.tries = 1;
    made.hosts_path = "";
    return made;
  }
  /// Runs a search to its end; steps go into `steps`.
  std::string find(std::string_view text) {
    const auto uri = sip::uri::parse(text);
    steps.clear();
    std::optional<std::string> targets;
    locator{names}.find(
        *stack::server_location::of(*uri),
        [&](stack::server_location& found) {
          targets.emplace();
          for (const auto& to : found.targets())
            *targets += (targets->empty() ? "" : ", ") + to_text(to);
          if (targets->empty()) *targets = to_string(found.failure());
        },
        [&](const stack::dns_question& q, const stack::server_location::answer& a) {
          steps.push_back(to_text(q) + ": " + to_text(a));
        });
    was_at_once = targets.has_value();
    EXPECT_TRUE(loop.run_until([&] { return targets.has_value(); }));
    return targets.value_or("");
  }
  io::shard loop;
  names::for_test::name_server server;
  names::resolver names;
  std::vector<std::string> steps;
  bool was_at_once = false;
};

TEST_F(locating, asks_step_by_step_and_never_twice) {
  server.table["example.com"].services = {{10, 20, "s", "SIP+D2T", false, "_x.example.com"}};
  server.table["_x.example.com"].servers = {{1, 0, 5070, "a.example.com"},
                                            {2, 0, 5080, "b.example.com"}};
  server.table["a.example.com"].addresses = {"192.0.2.1", "2001:db8::1"};
  server.table["b.example.com"].addresses = {"192.0.2.2"};
  const std::string targets = "tcp [2001:db8::1]:5070, tcp 192.0.2.1:5070, tcp 192.0.2.2:5080";
  EXPECT_EQ(find("sip:bob@example.com"), targets);
  EXPECT_FALSE(was_at_once);
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0], "NAPTR of example.com: 10 20 SIP+D2T _x.example.com");
  EXPECT_EQ(steps[1], "SRV of _x.example.com: 1 0 5070 a.example.com; 2 0 5080 b.example.com");
  EXPECT_EQ(find("sip:bob@example.com"), targets);
  EXPECT_TRUE(was_at_once) << "all of it is known";
  EXPECT_EQ(server.asked["example.com"], 1);
}

TEST_F(locating, ends_where_no_name_server_answers) {
  server.table["silent.example.com"].is_silent = true;
  EXPECT_EQ(find("sip:bob@silent.example.com"), "no name server answers");
  EXPECT_EQ(steps, std::vector<std::string>{"NAPTR of silent.example.com: no answer"});
}

/// SERVFAIL is no answer: the other name servers were asked as well, and nothing is known.
TEST_F(locating, ends_where_name_servers_only_fail) {
  server.table["example.com"].addresses = {"192.0.2.1"};
  server.table["_sip._udp.example.com"].code = 2;
  server.table["_sip._tcp.example.com"].code = 2;
  EXPECT_EQ(find("sip:bob@example.com"), "no name server answers");
}

TEST_F(locating, asks_nobody_about_addresses) {
  EXPECT_EQ(find("sip:bob@192.0.2.9:5070"), "udp 192.0.2.9:5070");
  EXPECT_TRUE(was_at_once);
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(locating, shows_no_control_characters_that_a_name_server_has_written) {
  server.table["example.com"].services = {{1, 1, "s", "a\r\n\x1b[2J", false, ""}};
  server.table["example.com"].addresses = {"192.0.2.1"};
  EXPECT_EQ(find("sip:bob@example.com"), "udp 192.0.2.1:5060");
  EXPECT_EQ(steps.front(), "NAPTR of example.com: 1 1 a???[2J .");
}

} // namespace
} // namespace tandem::transport

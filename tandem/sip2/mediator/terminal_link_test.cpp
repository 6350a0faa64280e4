// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/terminal_link.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/raw_peer_for_test.hpp>
#include <tandem/sip2/mediator/library_for_test.hpp>

#include <gtest/gtest.h>

#include <optional>

namespace tandem::sip2 {
namespace {

const std::string item_read = "1720261120    153457AOi|AB3|\r";
const std::string item_told = "1803010120261120    153457AB3|AJEmma|\r";
const std::string hello = "\x16\x03\x01\x02";
const std::string proxy = "PROXY TCP4 192.0.2.4 198.51.100.1 4711 6001\r\n";

class terminal_links : public testing::Test {
 protected:
  terminal_links() { set_log_level(log_level::critical); }
  ~terminal_links() override { set_log_level(log_level::notice); }

  void start(listener_options on = {}) {
    on.name = "test";
    on.address = *socket_address::parse("127.0.0.1:0");
    server.emplace(loop, library, server_options{}, std::make_shared<terminal_rules>());
    ASSERT_EQ(server->set_listeners({on}), "");
    peer.emplace(server->addresses().front());
  }
  /// What has come until `count` bytes are there or the connection has ended, which `~` shows.
  std::string received(std::size_t count) {
    std::string text;
    EXPECT_TRUE(loop.run_until(
        [&] {
          char bytes[4096];
          const auto n = ::recv(peer->fd(), bytes, sizeof bytes, MSG_DONTWAIT);
          if (n > 0) text.append(bytes, static_cast<std::size_t>(n));
          if (n == 0) text += '~';
          return text.size() >= count || text.ends_with('~');
        },
        seconds{10}));
    return text;
  }

  io::shard loop;
  library_for_test library{loop};
  std::optional<terminal_server> server;
  std::optional<io::raw_peer_for_test> peer;
};

TEST_F(terminal_links, a_terminal_that_begins_with_TLS_is_let_go) {
  start();
  peer->say(hello + item_read);
  EXPECT_EQ(received(1), "~");
  EXPECT_TRUE(library.seen.empty());
}

TEST_F(terminal_links, only_the_first_bytes_are_taken_for_TLS) {
  start();
  peer->say(item_read);
  EXPECT_EQ(received(item_told.size()), item_told);
  peer->say(hello + item_read); // noise before a message, as other noise
  EXPECT_EQ(received(item_told.size()), item_told);
}

TEST_F(terminal_links, the_first_bytes_behind_a_PROXY_header_are_the_terminal_s) {
  start({.has_proxy_header = true});
  peer->say(proxy + hello);
  EXPECT_EQ(received(1), "~");
  EXPECT_EQ(server->server_counts().refused_address, 0U);
}

TEST_F(terminal_links, a_PROXY_header_may_come_in_pieces_and_a_message_right_behind_it) {
  start({.has_proxy_header = true});
  for (const char c : proxy.substr(0, proxy.size() - 1)) {
    peer->say({&c, 1});
    EXPECT_FALSE(loop.run_until([] { return false; }, milliseconds{1}));
  }
  EXPECT_TRUE(server->list().front().session.empty()) << "no session yet";
  peer->say("\n" + item_read);
  EXPECT_EQ(received(item_told.size()), item_told);
  ASSERT_EQ(library.seen.size(), 1U);
  EXPECT_EQ(library.seen[0].client, "192.0.2.4:4711");
  EXPECT_EQ(server->list().front().peer, "192.0.2.4:4711");
}

TEST_F(terminal_links, without_a_PROXY_header_where_one_is_due_nobody_comes_in) {
  start({.has_proxy_header = true});
  peer->say(item_read);
  EXPECT_EQ(received(1), "~");
  EXPECT_EQ(server->server_counts().refused_address, 1U);
  EXPECT_EQ(server->connected(), 0U);
}

TEST_F(terminal_links, a_connection_that_ends_within_its_PROXY_header_leaves_nothing) {
  start({.has_proxy_header = true});
  peer->say("PROXY TC");
  ASSERT_TRUE(loop.run_until([&] { return server->list().size() == 1; }, seconds{10}));
  EXPECT_EQ(server->connected(), 0U) << "it is no terminal yet";
  peer->finish();
  EXPECT_EQ(received(1), "~");
  EXPECT_TRUE(server->list().empty());
  EXPECT_TRUE(library.seen.empty());
}

TEST_F(terminal_links, a_trace_keeps_the_last_thousand_lines_with_their_numbers) {
  start();
  peer->say(item_read);
  (void)received(item_told.size());
  const auto id = server->list().front().id;
  ASSERT_TRUE(server->trace(id, 0)) << "begins here";
  constexpr std::size_t exchanges = 600; // two lines each
  for (std::size_t i = 0; i < exchanges; ++i) {
    peer->say(item_read);
    (void)received(item_told.size());
  }
  const auto all = server->trace(id, 0);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->next, 2 * exchanges);
  EXPECT_EQ(all->lines.size(), 1000U);
  EXPECT_EQ(server->trace(id, all->next - 1)->lines.size(), 1U);
  EXPECT_TRUE(server->trace(id, all->next + 5)->lines.empty());
  EXPECT_TRUE(server->stop_trace(id));
  EXPECT_FALSE(server->list().front().is_traced);
}

} // namespace
} // namespace tandem::sip2

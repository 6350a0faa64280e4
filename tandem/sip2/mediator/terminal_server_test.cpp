// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/backend_form.hpp>
#include <tandem/sip2/mediator/terminal_server.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/raw_peer_for_test.hpp>

#include <gtest/gtest.h>

#include <deque>

namespace tandem::sip2 {
namespace {

const std::string login_ok = R"({"code":"94","fixed_fields":["1"]})";
const std::string item_ok =
    R"({"code":"18","fixed_fields":["03","01","01","20261120    153457"],"fields":[{"AB":"3"}]})";

/// A library that answers when the test says so.
class slow_library final : public backend {
 public:
  explicit slow_library(io::shard& h) : loop{h} {}
  void send(backend_request&& request, backend_done done) override {
    seen.push_back(request);
    if (request.content.code == code::end_session)
      return done_later(R"({"code":"XT"})", std::move(done));
    waiting.push_back(std::move(done));
  }
  [[nodiscard]] bool is_available() const noexcept override { return true; }
  void answer(std::string json) {
    auto done = std::move(waiting.front());
    waiting.pop_front();
    done(read_json_answer(json, {}));
  }
  void done_later(std::string json, backend_done done) {
    loop.post(
        [json = std::move(json), done = std::move(done)] { done(read_json_answer(json, {})); });
  }

  io::shard& loop;
  std::vector<backend_request> seen;
  std::deque<backend_done> waiting;
};

/// A terminal made of a socket.
struct peer final : io::connection_handler {
  explicit peer(io::shard& loop) : connection{loop, *this} {}
  void on_data(std::string_view bytes) override { received += bytes; }
  void on_closed(io::connection_end, std::string_view) override { is_closed = true; }
  io::connection connection;
  std::string received;
  bool is_closed = false;
};

class terminal_server_test : public testing::Test {
 public:
  terminal_server_test() { set_log_level(log_level::critical); }

  void start(server_options options = {}, listener_options on = {}) {
    on.name = "test";
    on.address = *socket_address::parse("127.0.0.1:0");
    server.emplace(loop, library, options, std::make_shared<terminal_rules>());
    ASSERT_EQ(server->set_listeners({on}), "");
  }
  std::unique_ptr<peer> connect() {
    auto p = std::make_unique<peer>(loop);
    p->connection.connect(server->addresses().front());
    EXPECT_TRUE(loop.run_until([&] { return p->connection.is_connected() || p->is_closed; }));
    return p;
  }
  /// The same from another address of this machine.
  std::unique_ptr<peer> connect_from(const char* address) {
    auto p = std::make_unique<peer>(loop);
    p->connection.connect(server->addresses().front(), {}, {}, *ip_address::parse(address));
    EXPECT_TRUE(loop.run_until([&] { return p->connection.is_connected() || p->is_closed; }));
    return p;
  }
  template <typename F>
  bool wait(F&& condition) {
    return loop.run_until(std::forward<F>(condition), seconds{5});
  }

  io::shard loop;
  slow_library library{loop};
  std::optional<terminal_server> server;
};

TEST_F(terminal_server_test, a_terminal_logs_in_and_leaves) {
  start();
  auto p = connect();
  p->connection.write("9300CNu|COp|\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
  EXPECT_EQ(library.seen[0].session.size(), 32U);
  EXPECT_EQ(server->list().front().is_waiting, true);
  library.answer(login_ok);
  ASSERT_TRUE(wait([&] { return p->received == "941\r"; }));
  const auto info = server->list().front();
  EXPECT_EQ(info.account, "u");
  EXPECT_EQ(info.listener, "test");
  EXPECT_EQ(info.messages, 1U);
  p->connection.close();
  ASSERT_TRUE(wait([&] { return server->list().empty(); }));
  EXPECT_EQ(library.seen.back().content.code, code::end_session);
  EXPECT_EQ(server->connected(), 0U);
}

TEST_F(terminal_server_test, a_terminal_that_resets_behind_its_fin_lets_the_loop_sleep) {
  start();
  io::raw_peer_for_test terminal{server->addresses().front()};
  terminal.say("9300CNu|COp|\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
  terminal.finish();
  const auto turns = loop.turns();
  EXPECT_FALSE(loop.run_until([] { return false; }, milliseconds{20}));
  terminal.reset();
  EXPECT_FALSE(loop.run_until([] { return false; }, milliseconds{20}));
  EXPECT_LT(loop.turns() - turns, 20U);
  library.answer(login_ok);
  ASSERT_TRUE(wait([&] { return server->connected() == 0; }));
}

TEST_F(terminal_server_test, more_clients_than_allowed_are_closed_at_once) {
  start({.max_clients = 1});
  auto first = connect();
  first->connection.write("x\r");
  ASSERT_TRUE(wait([&] { return server->connected() == 1; }));
  auto second = connect();
  ASSERT_TRUE(wait([&] { return second->is_closed; }));
  EXPECT_FALSE(first->is_closed);
  EXPECT_EQ(server->server_counts().refused_full, 1U);
  first->connection.close();
  ASSERT_TRUE(wait([&] { return server->connected() == 0; }));
  auto third = connect();
  third->connection.write("97\r");
  ASSERT_TRUE(wait([&] { return third->received == "96\r"; }));
}

TEST_F(terminal_server_test, one_address_cannot_take_all_places) {
  start({.max_clients = 100, .max_clients_per_address = 2});
  auto a = connect(), b = connect();
  ASSERT_TRUE(wait([&] { return server->connected() == 2; }));
  auto c = connect();
  ASSERT_TRUE(wait([&] { return c->is_closed; }));
}

TEST_F(terminal_server_test, one_host_that_only_sends_99_keeps_nobody_out) {
  start({.max_clients = 5});
  std::vector<std::unique_ptr<peer>> crowd;
  for (int i = 0; i < 5; ++i) {
    crowd.push_back(connect());
    crowd.back()->connection.write("9909992.00\r");
  }
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 5; }));
  auto one_more = connect();
  ASSERT_TRUE(wait([&] { return one_more->is_closed; })) << "not for the same host";

  const auto elsewhere = connect_from("127.0.0.9");
  elsewhere->connection.write("97\r");
  ASSERT_TRUE(wait([&] { return elsewhere->received == "96\r"; }));
  EXPECT_EQ(server->server_counts().displaced, 1U);
  ASSERT_TRUE(wait([&] { return crowd[0]->is_closed; })) << "the oldest one goes";
  EXPECT_EQ(server->connected(), 5U);
}

TEST_F(terminal_server_test,
       one_host_whose_messages_are_answered_keeps_nobody_out_without_a_login) {
  start({.max_clients = 3});
  std::vector<std::unique_ptr<peer>> crowd;
  for (std::size_t i = 0; i < 3; ++i) {
    crowd.push_back(connect());
    crowd.back()->connection.write("1720261120    153457AOi|AB3|\r");
    ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
    library.answer(item_ok);
    ASSERT_TRUE(wait([&] { return crowd[i]->received.starts_with("18"); }));
  }
  // Who waits for an answer goes after those who do not.
  crowd[0]->connection.write("1720261120    153457AOi|AB4|\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
  const auto second = connect_from("127.0.0.9");
  second->connection.write("97\r");
  ASSERT_TRUE(wait([&] { return second->received == "96\r" && crowd[1]->is_closed; }));
  EXPECT_FALSE(crowd[0]->is_closed || crowd[2]->is_closed);
  ASSERT_TRUE(wait([&] { return library.seen.back().content.code == code::end_session; }));
  EXPECT_EQ(library.seen.back().session, library.seen[1].session) << "the back-end is told";

  crowd[2]->connection.write("1720261120    153457AOi|AB4|\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 2; }));
  const auto third = connect_from("127.0.0.10");
  third->connection.write("97\r");
  ASSERT_TRUE(wait([&] { return third->received == "96\r" && crowd[0]->is_closed; }));
  ASSERT_TRUE(wait([&] { return library.seen.back().content.code == code::end_session; }));
  EXPECT_EQ(library.seen.back().session, library.seen[0].session) << "told at once";
  EXPECT_EQ(server->server_counts().displaced, 2U);
  while (!library.waiting.empty()) library.answer(item_ok); // late, and harmless
}

TEST_F(terminal_server_test, many_addresses_that_only_send_99_on_one_link_each_keep_nobody_out) {
  start({.max_clients = 4});
  std::vector<std::unique_ptr<peer>> crowd;
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}) {
    crowd.push_back(connect_from(address));
    crowd.back()->connection.write("9909992.00\r");
    ASSERT_TRUE(wait([&] { return library.waiting.size() == crowd.size(); }));
  }
  const auto again = connect_from("127.0.0.1");
  ASSERT_TRUE(wait([&] { return again->is_closed; })) << "not for one that has a place";
  std::vector<std::unique_ptr<peer>> newcomers;
  for (const char* address : {"127.0.0.9", "127.0.0.10"}) {
    newcomers.push_back(connect_from(address));
    newcomers.back()->connection.write("97\r");
    ASSERT_TRUE(wait([&] { return newcomers.back()->received == "96\r"; }));
    const auto& oldest = crowd[newcomers.size() - 1];
    ASSERT_TRUE(wait([&] { return oldest->is_closed; }));
    EXPECT_FALSE(crowd[newcomers.size()]->is_closed);
  }
  EXPECT_EQ(server->server_counts().displaced, 2U);
}

TEST_F(terminal_server_test, terminals_that_are_answered_do_not_displace_each_other_in_turns) {
  start({.max_clients = 2});
  std::vector<std::unique_ptr<peer>> terminals;
  for (const char* address : {"127.0.0.1", "127.0.0.2"}) {
    terminals.push_back(connect_from(address));
    terminals.back()->connection.write("1720261120    153457AOi|AB3|\r");
    ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
    library.answer(item_ok);
    ASSERT_TRUE(wait([&] { return terminals.back()->received.starts_with("18"); }));
  }
  const auto elsewhere = connect_from("127.0.0.9");
  ASSERT_TRUE(wait([&] { return elsewhere->is_closed; }));
  EXPECT_FALSE(terminals[0]->is_closed || terminals[1]->is_closed);
  EXPECT_EQ(server->server_counts().displaced, 0U);
}

TEST_F(terminal_server_test, who_has_logged_in_is_not_displaced) {
  start({.max_clients = 2});
  auto a = connect(), b = connect();
  for (auto* p : {a.get(), b.get()}) {
    p->connection.write("9300CNu|COp|\r");
    ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
    library.answer(login_ok);
    ASSERT_TRUE(wait([&] { return p->received == "941\r"; }));
  }
  const auto elsewhere = connect_from("127.0.0.9");
  ASSERT_TRUE(wait([&] { return elsewhere->is_closed; }));
  EXPECT_FALSE(a->is_closed || b->is_closed);
}

TEST_F(terminal_server_test, only_listed_addresses_come_in) {
  listener_options on;
  on.allowed = {*ip_prefix::parse("192.0.2.0/24")};
  start({}, on);
  auto p = connect();
  ASSERT_TRUE(wait([&] { return p->is_closed; }));
  EXPECT_EQ(server->server_counts().refused_address, 1U);
}

TEST_F(terminal_server_test, who_may_not_come_in_displaces_nobody) {
  listener_options on;
  on.allowed = {*ip_prefix::parse("127.0.0.1/32")};
  start({.max_clients = 2}, on);
  const auto a = connect(), b = connect();
  ASSERT_TRUE(wait([&] { return server->connected() == 2; }));
  const auto elsewhere = connect_from("127.0.0.9");
  ASSERT_TRUE(wait([&] { return elsewhere->is_closed; }));
  EXPECT_EQ(server->server_counts().refused_address, 1U);
  EXPECT_EQ(server->server_counts().displaced, 0U);
  EXPECT_EQ(server->connected(), 2U);
}

TEST_F(terminal_server_test, a_balancer_names_the_terminal) {
  listener_options on;
  on.has_proxy_header = true;
  on.allowed = {*ip_prefix::parse("192.0.2.0/24")};
  start({}, on);
  auto p = connect();
  p->connection.write("PROXY TCP4 192.0.2.9 198.51.100.2 40000 6001\r\n9909992.00\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
  EXPECT_EQ(library.seen[0].client, "192.0.2.9:40000");
  auto other = connect();
  other->connection.write("PROXY TCP4 203.0.113.9 198.51.100.2 40000 6001\r\n9909992.00\r");
  ASSERT_TRUE(wait([&] { return other->is_closed; }));
  auto bare = connect();
  bare->connection.write("9909992.00\r");
  ASSERT_TRUE(wait([&] { return bare->is_closed; }));
  // The balancer that speaks for itself is not on the list.
  for (const std::string& header :
       {std::string{"PROXY UNKNOWN\r\n"}, std::string{"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16}}) {
    auto local = connect();
    local->connection.write(header + "9909992.00\r");
    ASSERT_TRUE(wait([&] { return local->is_closed; }));
  }
  EXPECT_EQ(library.seen.size(), 1U);
}

TEST_F(terminal_server_test, nobody_is_displaced_before_the_PROXY_header_says_for_whom) {
  listener_options on;
  on.has_proxy_header = true;
  on.allowed = {*ip_prefix::parse("192.0.2.0/24")};
  start({.max_clients = 2, .max_clients_per_address = 2}, on);
  const auto named = [&](const char* address) {
    auto p = connect();
    p->connection.write(std::string{"PROXY TCP4 "} + address + " 198.51.100.2 40000 6001\r\n");
    return p;
  };
  const auto a = named("192.0.2.9"), b = named("192.0.2.9");
  ASSERT_TRUE(wait([&] { return server->connected() == 2; }));
  // All places are taken: those that have not said whose they are take none, and no more of them
  // stay than there may be.
  std::vector<std::unique_ptr<peer>> unnamed;
  for (std::size_t i = 0; i < terminal_server::most_unnamed; ++i) unnamed.push_back(connect());
  ASSERT_TRUE(wait([&] { return server->list().size() == 2 + unnamed.size(); }));
  EXPECT_EQ(server->server_counts().displaced, 0U);
  const auto one_more = connect();
  ASSERT_TRUE(wait([&] { return unnamed.front()->is_closed; }));
  EXPECT_EQ(server->server_counts().displaced, 1U);
  // One that goes by itself makes room for one, and then the next oldest goes.
  unnamed[2].reset();
  ASSERT_TRUE(wait([&] { return server->list().size() == 1 + unnamed.size(); }));
  const auto fills = connect();
  ASSERT_TRUE(wait([&] { return server->list().size() == 2 + unnamed.size(); }));
  EXPECT_EQ(server->server_counts().displaced, 1U);
  const auto another = connect();
  ASSERT_TRUE(wait([&] { return unnamed[1]->is_closed; }));
  EXPECT_EQ(server->server_counts().displaced, 2U);
  EXPECT_FALSE(unnamed[3]->is_closed || one_more->is_closed || fills->is_closed);
  // Who is not admitted displaces nobody, and neither does another one of those who are here.
  for (const char* address : {"203.0.113.9", "192.0.2.9"}) {
    const auto other = named(address);
    ASSERT_TRUE(wait([&] { return other->is_closed; })) << address;
  }
  EXPECT_FALSE(a->is_closed || b->is_closed);
  EXPECT_EQ(server->connected(), 2U);
  const auto newcomer = named("192.0.2.10");
  ASSERT_TRUE(wait([&] { return a->is_closed || b->is_closed; }));
  EXPECT_FALSE(newcomer->is_closed || one_more->is_closed);
  EXPECT_EQ(server->connected(), 2U);
}

TEST_F(terminal_server_test, a_crowd_behind_a_load_balancer_displaces_none_of_itself) {
  listener_options on;
  on.has_proxy_header = true;
  start({.max_clients = 300}, on);
  std::vector<std::unique_ptr<peer>> crowd;
  for (int i = 0; i < 200; ++i) {
    crowd.push_back(connect());
    crowd.back()->connection.write("PROXY TCP4 192.0.2." + std::to_string(i) +
                                   " 198.51.100.2 40000 6001\r\n");
  }
  ASSERT_TRUE(wait([&] { return server->connected() == crowd.size(); }));
  EXPECT_EQ(server->server_counts().displaced, 0U);
}

TEST_F(terminal_server_test, draining_finishes_what_is_in_progress) {
  start();
  auto busy = connect(), idle = connect();
  busy->connection.write("9300CNu|COp|\r");
  idle->connection.write("\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1 && server->connected() == 2; }));
  bool is_done = false;
  server->drain(seconds{5}, [&] { is_done = true; });
  ASSERT_TRUE(wait([&] { return idle->is_closed; }));
  EXPECT_FALSE(is_done);
  library.answer(login_ok);
  ASSERT_TRUE(wait([&] { return is_done; }));
  EXPECT_EQ(busy->received, "941\r");
  EXPECT_EQ(library.seen.back().content.code, code::end_session);
  EXPECT_FALSE(server->is_listening());
}

TEST_F(terminal_server_test,
       a_listener_that_is_taken_away_accepts_nobody_while_its_terminals_stay) {
  start();
  auto p = connect();
  const auto old = server->addresses().front();
  listener_options other;
  other.address = *socket_address::parse("127.0.0.2:0");
  ASSERT_EQ(server->set_listeners({other}), "");
  peer late{loop};
  late.connection.connect(old);
  ASSERT_TRUE(wait([&] { return late.is_closed; }));
  p->connection.write("97\r");
  ASSERT_TRUE(wait([&] { return p->received == "96\r"; }));
}

TEST_F(terminal_server_test, draining_ends_at_its_limit) {
  start();
  auto p = connect();
  p->connection.write("9300CNu|COp|\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
  bool is_done = false;
  server->drain(milliseconds{50}, [&] { is_done = true; });
  ASSERT_TRUE(wait([&] { return is_done && p->is_closed; }));
  EXPECT_EQ(p->received, "940\r") << "the refusal leaves before the connection closes";
  library.answer(login_ok); // too late, and harmless
}

TEST_F(terminal_server_test, an_operator_lists_traces_and_kicks) {
  start();
  auto p = connect();
  p->connection.write("97\r");
  ASSERT_TRUE(wait([&] { return !p->received.empty(); }));
  const auto id = server->list().front().id;
  EXPECT_FALSE(server->trace("none", 0));
  EXPECT_TRUE(server->trace(id, 0)->lines.empty());
  p->connection.write("9300CNu|COtopsecret|\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
  const auto trace = *server->trace(id, 0);
  ASSERT_EQ(trace.lines.size(), 1U);
  EXPECT_NE(trace.lines[0].find("> 9300CNu|CO***|"), std::string::npos) << trace.lines[0];
  EXPECT_TRUE(server->trace(id, trace.next)->lines.empty());
  EXPECT_TRUE(server->stop_trace(id));
  EXPECT_FALSE(server->kick("none"));
  EXPECT_TRUE(server->kick(id));
  ASSERT_TRUE(wait([&] { return p->is_closed; }));
  library.answer(login_ok);
}

TEST_F(terminal_server_test, a_byte_at_a_time_disturbs_nobody) {
  start();
  auto slow = connect(), quick = connect();
  for (const char c : std::string{"9300CNu|COp|"}) {
    slow->connection.write({&c, 1});
    const auto before = quick->received.size();
    quick->connection.write("97\r");
    ASSERT_TRUE(wait([&] { return quick->received.size() == before + 3; }));
  }
  EXPECT_TRUE(library.waiting.empty());
  slow->connection.write("\r");
  ASSERT_TRUE(wait([&] { return library.waiting.size() == 1; }));
  library.answer(login_ok);
}

} // namespace
} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
// Clients with real connections, against the server of both dialects behind real HTTP.
#include <tandem/base/folder_for_test.hpp>
#include <tandem/http/server.hpp>
#include <tandem/io/certificates_for_test.hpp>
#include <tandem/xmpp/bosh_server_for_test.hpp>
#include <tandem/xmpp/client_pool.hpp>
#include <tandem/xmpp/client_world_for_test.hpp>

#include <filesystem>
#include <gmock/gmock.h>
#include <unistd.h>

namespace tandem::xmpp {
namespace {

using for_test::bosh_server;
using for_test::dialect;
using testing::ElementsAre;

/// The server of the tests at a port.
class served : timer {
 public:
  served(io::shard& loop, dialect d, io::tls_context tls = {})
      : model{d}, loop_{loop}, http_{loop,
                                     {.tls = std::move(tls), .most_connections_per_source = 1000}} {
    http_.route("POST", "/http-bind/", http::route_access::open,
                [this](http::request&& r, http::responder answer) {
                  const int connection = ++connections_;
                  waiting_.emplace(connection, std::move(answer));
                  most_waiting = std::max(most_waiting, waiting_.size());
                  model.request(connection, r.body, loop_.now());
                  bring();
                });
    at = http_.listen(*socket_address::parse("127.0.0.1:0")).value();
    on_timer(loop.now());
  }
  [[nodiscard]] std::string url(std::string_view scheme = "http") const {
    return std::string{scheme} + "://localhost:" + std::to_string(at.port) + "/http-bind/";
  }

  bosh_server model;
  socket_address at;
  std::size_t most_waiting = 0;

 private:
  void on_timer(instant now) override {
    model.advance(now);
    bring();
    std::erase_if(waiting_, [&](const auto& one) {
      if (one.second.is_wanted()) return false;
      model.drop(one.first);
      return true;
    });
    loop_.timers().arm(*this, now + milliseconds{20});
  }
  void bring() {
    for (auto& r : model.take_replies()) {
      const auto to = waiting_.find(r.connection);
      if (to == waiting_.end()) continue;
      http::responder answer = std::move(to->second);
      waiting_.erase(to);
      answer.respond({.status = r.status,
                      .headers = {{"Content-Type", "text/xml; charset=utf-8"}},
                      .body = r.body});
    }
  }

  io::shard& loop_;
  http::server http_;
  int connections_ = 0;
  std::map<int, http::responder> waiting_;
};

class pool_test : public testing::Test {
 protected:
  account alice(const served& at, std::string_view scheme = "http") {
    account a;
    a.address = *jid::parse("alice@xmpp.test");
    a.password = secret{"secret"};
    a.url = *http::url::parse(at.url(scheme));
    return a;
  }
  std::unique_ptr<session_store> open_store() {
    auto made = session_store::open(folder / "sessions");
    EXPECT_TRUE(made) << made.error();
    return made ? std::move(*made) : nullptr;
  }
  [[nodiscard]] bool is_seen(const served& at, std::string_view what) {
    return loop.run_until([&] { return !at.model.seen.empty() && at.model.seen.back() == what; });
  }

  io::shard loop;
  tandem::for_test::own_folder folder;
};

TEST_F(pool_test, shows_what_it_is_told_and_says_goodbye) {
  for (const auto d : {dialect::prosody, dialect::ejabberd}) {
    served server{loop, d};
    std::vector<client_state> states;
    client_pool pool{loop, {}, {.on_state = [&](const std::string& name, client_state now) {
                       EXPECT_EQ(name, "alice");
                       states.push_back(now);
                     }}};
    ASSERT_TRUE(pool.add("alice", alice(server)));
    EXPECT_FALSE(pool.add("alice", alice(server)));
    EXPECT_FALSE(pool.show("bob", {}));
    // From the loop, as programs do it: what is told keeps its order there.
    loop.post([&pool] { pool.show("alice", for_test::online); });
    ASSERT_TRUE(is_seen(server, "SIP-phone -1"));
    pool.show("alice", for_test::on_the_phone);
    ASSERT_TRUE(is_seen(server, "SIP-phone away On the phone. -1"));
    EXPECT_EQ(pool.resource_of("alice"), "SIP-phone");
    bool is_over = false;
    pool.stop(client_pool::ending::leave, [&] { is_over = true; });
    EXPECT_FALSE(is_over) << "told from inside stop()";
    ASSERT_TRUE(loop.run_until([&] { return is_over; }));
    EXPECT_TRUE(server.model.sessions.empty());
    EXPECT_EQ(server.model.seen.back(), "SIP-phone gone");
    EXPECT_EQ(states.front(), client_state::queued);
    EXPECT_LE(server.most_waiting, 2U);
  }
}

// F2, F6, F8: killed and started again, the contact sees no gap and nobody logs in twice.
TEST_F(pool_test, goes_on_with_the_sessions_of_a_process_that_was_killed) {
  for (const auto d : {dialect::prosody, dialect::ejabberd}) {
    std::filesystem::remove(folder / "sessions");
    served server{loop, d};
    {
      const auto store = open_store();
      client_pool pool{loop, {.store = store.get()}};
      ASSERT_TRUE(pool.add("alice", alice(server)));
      pool.show("alice", for_test::on_the_phone);
      ASSERT_TRUE(is_seen(server, "SIP-phone away On the phone. -1"));
      ASSERT_TRUE(loop.run_until([&] { return pool.statistics().published == 1; }));
    }
    const auto store = open_store();
    ASSERT_TRUE(store);
    EXPECT_EQ(store->found().size(), 1U);
    client_pool pool{loop, {.store = store.get()}};
    ASSERT_TRUE(pool.add("alice", alice(server)));
    ASSERT_TRUE(loop.run_until([&] { return pool.statistics().resumed == 1; }));
    pool.show("alice", for_test::online);
    ASSERT_TRUE(is_seen(server, "SIP-phone -1"));
    EXPECT_EQ(server.model.logins, 1);
    EXPECT_THAT(server.model.seen, ElementsAre("SIP-phone away On the phone. -1",
                                               "SIP-phone away On the phone. -1", "SIP-phone -1"));
  }
}

TEST_F(pool_test, stops_for_a_restart_with_a_pause_where_the_server_knows_it) {
  for (const auto d : {dialect::prosody, dialect::ejabberd}) {
    std::filesystem::remove(folder / "sessions");
    served server{loop, d};
    {
      const auto store = open_store();
      client_pool pool{loop, {.store = store.get()}};
      ASSERT_TRUE(pool.add("alice", alice(server)));
      pool.show("alice", for_test::online);
      ASSERT_TRUE(is_seen(server, "SIP-phone -1"));
      bool is_over = false;
      pool.stop(client_pool::ending::keep, [&] { is_over = true; });
      ASSERT_TRUE(loop.run_until([&] { return is_over; }));
    }
    EXPECT_EQ(server.model.sessions.begin()->second.pause.has_value(), d == dialect::ejabberd);
    const auto store = open_store();
    client_pool pool{loop, {.store = store.get()}};
    ASSERT_TRUE(pool.add("alice", alice(server)));
    ASSERT_TRUE(loop.run_until([&] { return pool.statistics().resumed == 1; }));
    pool.show("alice", for_test::on_the_phone);
    ASSERT_TRUE(is_seen(server, "SIP-phone away On the phone. -1"));
    EXPECT_EQ(server.model.logins, 1);
  }
}

TEST_F(pool_test, has_a_wrong_password_of_one_delay_no_other) { // F4
  served server{loop, dialect::prosody};
  std::vector<std::string> alarms;
  client_pool pool{loop,
                   {.logins_per_second = 1000},
                   {.on_alarm = [&](const std::string& name, const std::string& text) {
                     alarms.push_back(name + ": " + text);
                   }}};
  account wrong = alice(server);
  wrong.password = secret{"wrong"};
  wrong.resource = "wrong";
  ASSERT_TRUE(pool.add("wrong", wrong));
  pool.show("wrong", for_test::online);
  ASSERT_TRUE(pool.add("alice", alice(server)));
  pool.show("alice", for_test::online);
  ASSERT_TRUE(is_seen(server, "SIP-phone -1"));
  ASSERT_TRUE(loop.run_until([&] { return pool.state_of("wrong") == client_state::stopped; }));
  EXPECT_THAT(alarms, ElementsAre("wrong: login refused: not-authorized"));
}

// Held clients have connections of their own up to the bound; others share few.
TEST_F(pool_test, bounds_its_connections) {
  served server{loop, dialect::prosody};
  client_pool pool{loop, {.most_connections = 64 + 256 + 3 * 10, .logins_per_second = 10'000}};
  for (int i = 0; i < 40; ++i) {
    account one = alice(server);
    one.resource = "r" + std::to_string(i);
    ASSERT_TRUE(pool.add(one.resource, one));
    pool.show(one.resource, for_test::online);
  }
  EXPECT_EQ(pool.statistics().held, 10U);
  ASSERT_TRUE(loop.run_until([&] { return pool.statistics().published == 40; }, seconds{30}));
  EXPECT_EQ(server.model.sessions.size(), 40U);
  pool.show("r39", for_test::on_the_phone);
  EXPECT_TRUE(is_seen(server, "r39 away On the phone. -1"));
  EXPECT_LE(server.most_waiting, 64U + 30U);
}

TEST_F(pool_test, lets_so_many_log_in_per_second) {
  served server{loop, dialect::prosody};
  client_pool pool{loop, {.logins_per_second = 20}};
  const instant begin = now();
  for (int i = 0; i < 10; ++i) {
    account one = alice(server);
    one.resource = "r" + std::to_string(i);
    ASSERT_TRUE(pool.add(one.resource, one));
    pool.show(one.resource, for_test::online);
  }
  EXPECT_GE(pool.statistics().waiting, 9U);
  ASSERT_TRUE(loop.run_until([&] { return server.model.sessions.size() == 10; }));
  EXPECT_GE(now() - begin, milliseconds{440});
}

TEST_F(pool_test, speaks_tls_only_with_a_server_that_proves_its_name) {
  const io::certificates_for_test certificates;
  const auto server_tls = io::tls_context::server(
      {.certificate_file = certificates / "server.pem", .key_file = certificates / "server.key"});
  const auto trusting = io::tls_context::client({.ca_file = certificates / "ca.pem"});
  const auto stranger = io::tls_context::client({.ca_file = certificates / "alone.pem"});
  ASSERT_TRUE(server_tls && trusting && stranger);
  served server{loop, dialect::prosody, *server_tls};
  for (const auto& context : {*stranger, io::tls_context{}}) {
    client_pool pool{loop, {.tls = context}};
    ASSERT_TRUE(pool.add("alice", alice(server, "https")));
    pool.show("alice", for_test::online);
    ASSERT_TRUE(loop.run_until([&] { return pool.state_of("alice") == client_state::waiting; }));
    EXPECT_TRUE(server.model.bodies.empty());
  }
  client_pool pool{loop, {.tls = *trusting}};
  ASSERT_TRUE(pool.add("alice", alice(server, "https")));
  pool.show("alice", for_test::online);
  EXPECT_TRUE(is_seen(server, "SIP-phone -1"));
}

TEST_F(pool_test, forgets_who_is_removed) {
  served server{loop, dialect::ejabberd};
  const auto store = open_store();
  client_pool pool{loop, {.store = store.get()}};
  ASSERT_TRUE(pool.add("alice", alice(server)));
  pool.show("alice", for_test::online);
  ASSERT_TRUE(is_seen(server, "SIP-phone -1"));
  pool.remove("alice");
  EXPECT_TRUE(is_seen(server, "SIP-phone gone"));
  ASSERT_TRUE(loop.run_until([&] { return !pool.state_of("alice"); }));
  EXPECT_TRUE(pool.add("alice", alice(server)));
}

TEST_F(pool_test, a_file_of_sessions_is_for_one_process_and_for_its_owner) {
  const auto first = open_store();
  ASSERT_TRUE(first);
  const auto second = session_store::open(folder / "sessions");
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), testing::HasSubstr("another process uses it"));
  std::filesystem::permissions(folder / "sessions", std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  const auto third = session_store::open(folder / "sessions");
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error(), testing::HasSubstr("chmod 600"));
  EXPECT_FALSE(session_store::open(folder / "no" / "sessions"));
}

TEST_F(pool_test, a_session_is_found_again_as_it_was_kept) {
  const stored_session row{.url = "https://xmpp.test/http-bind/",
                           .snapshot = {.session = {.terms = {.sid = "s'1",
                                                              .wait = seconds{60},
                                                              .inactivity = seconds{10},
                                                              .polling = seconds{2},
                                                              .maxpause = seconds{60},
                                                              .requests = 2,
                                                              .hold = 1,
                                                              .acks = true},
                                                    .rid = (std::uint64_t{1} << 53U) - 1,
                                                    .keys = {.key = "k", .newkey = "n"},
                                                    .key_seed = "seed",
                                                    .keys_left = 7,
                                                    .is_paused = true},
                                        .resource = "SIP-phone",
                                        .presence_id = 120,
                                        .shown = for_test::on_the_phone},
                           .kept_at = 1'700'000'000'000};
  {
    const auto store = open_store();
    store->put("sip:alice@sip.test", row);
    store->put("gone", row);
    bool is_kept = false;
    store->when_kept(loop, [&](bool kept) { is_kept = kept; });
    ASSERT_TRUE(loop.run_until([&] { return is_kept; }));
    store->erase("gone");
  }
  const auto store = open_store();
  ASSERT_EQ(store->found().size(), 1U);
  EXPECT_EQ(store->found().at("sip:alice@sip.test"), row);
}

} // namespace
} // namespace tandem::xmpp

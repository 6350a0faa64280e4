// SPDX-License-Identifier: Apache-2.0
// What the two servers do in each case that was recorded of them, and that the client comes through
// it: the contact sees the right state, and no stanza is lost or executed twice.
#include <tandem/xmpp/client_world_for_test.hpp>

#include <gmock/gmock.h>

namespace tandem::xmpp {
namespace {

using for_test::client_world;
using for_test::dialect;
using for_test::on_the_phone;
using for_test::online;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class both_dialects : public testing::TestWithParam<dialect> {
 protected:
  /// Logged in, with a request held.
  void go_online() {
    world.start();
    world.show_online();
    ASSERT_TRUE(world.run_until(client_state::online));
    world.run(seconds{1});
    ASSERT_THAT(world.server.seen, ElementsAre("SIP-phone -1"));
  }
  [[nodiscard]] bool is_prosody() const { return GetParam() == dialect::prosody; }
  void send_message(std::string_view id) {
    world.server.deliver(
        "SIP-phone", "<message xmlns='jabber:client' id='" + std::string{id} + "'/>", world.now);
  }
  [[nodiscard]] std::vector<std::string> message_ids() const {
    std::vector<std::string> ids;
    for (const auto& m : world.messages) ids.emplace_back(m.attribute("id"));
    return ids;
  }
  /// The session as the server has it.
  for_test::bosh_server::session& session() { return world.server.sessions.begin()->second; }

  client_world world{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(dialects, both_dialects,
                         testing::Values(dialect::prosody, dialect::ejabberd), [](const auto& of) {
                           return of.param == dialect::prosody ? "prosody" : "ejabberd";
                         });

TEST_P(both_dialects, logs_in_with_the_best_mechanism_and_shows_itself) {
  go_online();
  EXPECT_EQ(world.server.logins, 1);
  EXPECT_EQ(world.published, 1);
  bool chose_best = false;
  for (const auto& body : world.server.bodies)
    chose_best |= body.find("mechanism='SCRAM-SHA-256'") != std::string::npos;
  EXPECT_TRUE(chose_best);
}

TEST_P(both_dialects, logs_in_by_each_mechanism) {
  for (const char* const mechanism : {"SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"}) {
    client_world own{GetParam()};
    own.server.mechanisms = {"X-UNKNOWN", mechanism};
    own.start();
    own.show_online();
    EXPECT_TRUE(own.run_until(client_state::online)) << mechanism;
  }
}

// XEP-0206: features may come with a later answer.
TEST_P(both_dialects, polls_until_the_features_come) {
  world.server.forgets_features = true;
  go_online();
}

TEST_P(both_dialects, asks_for_a_session_where_the_server_insists) {
  world.server.wants_session = true;
  go_online();
  EXPECT_THAT(world.server.bodies, Contains(HasSubstr("urn:ietf:params:xml:ns:xmpp-session")));
}

// Row "empty poll": held for `wait`, and the next one follows at once.
TEST_P(both_dialects, has_a_request_with_the_server_at_all_times) {
  go_online();
  for (int i = 0; i < 3000; ++i) {
    world.run(milliseconds{100});
    ASSERT_EQ(world.connections(), 1U);
  }
  EXPECT_THAT(world.server.seen, ElementsAre("SIP-phone -1"));
  EXPECT_LE(session().requests, 14);
}

// Rows "payload on 2nd connection while 1st held", "3 requests at once".
TEST_P(both_dialects, says_news_at_once_on_a_second_connection_and_has_no_third) {
  go_online();
  for (int i = 0; i < 50; ++i) {
    world.show(i % 2 == 0 ? on_the_phone : online);
    EXPECT_EQ(world.last_seen(), i % 2 == 0 ? "SIP-phone away On the phone. -1" : "SIP-phone -1");
    world.run(milliseconds{100});
  }
  EXPECT_EQ(world.server.seen.size(), 51U);
  EXPECT_LE(world.most_connections, 2U);
}

// Row "hold=3 wait=999": what the server grants counts.
TEST_P(both_dialects, takes_what_the_server_grants) {
  world.server.most_wait = seconds{5};
  world.mine.wait = seconds{999};
  go_online();
  const auto before = session().requests;
  world.run(seconds{60});
  EXPECT_NEAR(session().requests - before, 12, 1);
}

// Row "hold=0 wait=0".
TEST_P(both_dialects, keeps_the_interval_of_a_polling_session) {
  world.server.hold = 0;
  world.start();
  world.show_online();
  ASSERT_TRUE(world.run_until(client_state::online, seconds{120}));
  world.run(seconds{30});
  world.show(on_the_phone);
  world.run(seconds{30});
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
  EXPECT_EQ(world.server.logins, 1);
}

// Rows "repeat last rid", "repeat rid-1": the answer was lost.
TEST_P(both_dialects, repeats_what_was_not_answered_byte_by_byte) {
  go_online();
  world.server.instead = nullptr;
  world.show(on_the_phone);
  const auto before = world.posts.size();
  const auto last = world.posts.back();
  world.break_connections();
  world.run(seconds{3});
  ASSERT_GT(world.posts.size(), before);
  EXPECT_EQ(world.posts[before].rid, last.rid);
  EXPECT_EQ(world.posts[before].body, last.body);
  EXPECT_THAT(world.server.seen, ElementsAre("SIP-phone -1", "SIP-phone away On the phone. -1"));
  EXPECT_EQ(world.server.logins, 1);
}

// Row "TCP closed while held, message arrives": on ejabberd rid+1 would lose it.
TEST_P(both_dialects, gets_a_message_that_came_while_the_connection_was_gone) {
  go_online();
  world.is_network_down = true;
  world.break_connections();
  send_message("one");
  world.show(on_the_phone);
  world.run(seconds{4});
  world.is_network_down = false;
  world.run(seconds{10});
  EXPECT_THAT(message_ids(), ElementsAre("one"));
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
  EXPECT_EQ(world.server.logins, 1);
}

// Row "rid+2 before rid+1".
TEST_P(both_dialects, never_goes_on_before_what_was_lost_has_been_repeated) {
  go_online();
  world.is_network_down = true;
  world.break_connections();
  const auto stuck = world.posts.back().rid;
  world.show(on_the_phone);
  world.run(seconds{5});
  for (const auto& post : world.posts) EXPECT_LE(post.rid, stuck);
}

// Row "silence > inactivity": the network was away for longer.
TEST_P(both_dialects, logs_in_again_when_the_session_was_forgotten) {
  go_online();
  world.is_network_down = true;
  world.break_connections();
  // The server holds the request of the broken connection for as long as it would have.
  world.run(seconds{90});
  EXPECT_THAT(world.last_seen(), HasSubstr("SIP-phone gone"));
  EXPECT_EQ(world.process->state(), client_state::waiting);
  world.show(on_the_phone);
  world.is_network_down = false;
  ASSERT_TRUE(world.run_until(client_state::online, seconds{400}));
  world.run(seconds{1});
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
}

// Row "same resource bound again".
TEST_P(both_dialects, does_not_fight_for_its_resource) {
  go_online();
  world.server.take_resource("alice@xmpp.test/SIP-phone", world.now);
  ASSERT_TRUE(world.run_until(client_state::online));
  for (int i = 0; i < 4 && world.process->resource() == "SIP-phone"; ++i) {
    world.server.take_resource("alice@xmpp.test/" + world.process->resource(), world.now);
    world.run(seconds{1});
    ASSERT_TRUE(world.run_until(client_state::online));
  }
  EXPECT_THAT(world.process->resource(), testing::MatchesRegex("SIP-phone-[0-9a-f]{4}"));
  EXPECT_THAT(world.alarms, Contains(HasSubstr("somebody else uses the resource SIP-phone")));
  EXPECT_LE(world.server.logins, 5);
}

// Rows "truncated XML", "entity error / DTD / comment / wrong ns": HTTP 400 consumes no rid.
TEST_P(both_dialects, fills_the_rid_that_a_refused_request_has_not_used) {
  go_online();
  bool has_refused = false;
  world.server.instead =
      [&](int connection, const xml_element& body) -> std::optional<for_test::bosh_server::reply> {
    if (has_refused || !body.find_child("presence", client_space)) return std::nullopt;
    has_refused = true;
    return for_test::bosh_server::reply{connection, 400, ""};
  };
  world.show(on_the_phone);
  world.run(seconds{1});
  EXPECT_TRUE(has_refused);
  world.show(online);
  world.run(seconds{1});
  EXPECT_EQ(world.server.logins, 1);
  EXPECT_THAT(world.server.seen, ElementsAre("SIP-phone -1", "SIP-phone -1"));
  EXPECT_THAT(world.alarms, Contains(HasSubstr("malformed")));
}

// Row "wrong password"; and no restart follows, which the server would hold (F4).
TEST_P(both_dialects, stops_for_a_wrong_password) {
  world.mine.password = secret{"wrong"};
  world.start();
  world.show_online();
  world.run(seconds{60});
  EXPECT_EQ(world.process->state(), client_state::stopped);
  EXPECT_THAT(world.alarms, Contains("login refused: not-authorized"));
  for (const auto& body : world.server.bodies) EXPECT_EQ(body.find("restart"), std::string::npos);
  EXPECT_TRUE(world.server.sessions.empty()) << "the session is left behind";
  const auto before = world.server.bodies.size();
  world.run(seconds{3600});
  EXPECT_EQ(world.server.bodies.size(), before);
}

// Row "key sequence": over a way without TLS, and longer than one chain.
TEST_P(both_dialects, proves_itself_by_keys_where_there_is_no_tls) {
  world.mine.url = *http::url::parse("http://xmpp.test/http-bind/");
  go_online();
  for (int i = 0; i < 250; ++i) {
    world.show(i % 2 == 0 ? on_the_phone : online);
    world.run(milliseconds{100});
    if (i % 10 == 0) world.break_connections();
  }
  EXPECT_EQ(world.server.logins, 1);
  EXPECT_THAT(world.server.bodies.front(), HasSubstr("newkey="));
  EXPECT_EQ(world.server.bodies.front().find(" from="), std::string::npos);
}

// Rows "terminate alone", "terminate while one held".
TEST_P(both_dialects, says_goodbye) {
  go_online();
  world.show({});
  ASSERT_TRUE(world.run_until(client_state::offline));
  EXPECT_THAT(world.server.seen, ElementsAre("SIP-phone -1", "SIP-phone gone"));
  EXPECT_TRUE(world.server.sessions.empty());
  EXPECT_FALSE(world.kept);
  world.show_online();
  ASSERT_TRUE(world.run_until(client_state::online));
  world.run(seconds{1});
  EXPECT_EQ(world.last_seen(), "SIP-phone -1");
}

// Row "server stop".
TEST_P(both_dialects, comes_back_after_a_server_that_was_started_again) {
  go_online();
  world.server.stop(world.now);
  world.is_network_down = true;
  world.run(seconds{5});
  world.is_network_down = false;
  world.show(on_the_phone);
  ASSERT_TRUE(world.run_until(client_state::online));
  world.run(seconds{10});
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
}

// Row "http, encryption required by server".
TEST_P(both_dialects, says_that_the_server_offers_no_mechanism) {
  world.server.mechanisms.clear();
  world.start();
  world.show_online();
  world.run(seconds{30});
  EXPECT_THAT(world.alarms, Contains("server offers no mechanism on this URL"));
  EXPECT_EQ(world.process->state(), client_state::waiting);
  EXPECT_GE(world.process->next_due() - world.now, seconds{800});
}

TEST_P(both_dialects, sends_no_password_in_the_clear_unless_the_account_says_so) {
  world.mine.url = *http::url::parse("http://xmpp.test/http-bind/");
  world.server.mechanisms = {"PLAIN"};
  world.start();
  world.show_online();
  world.run(seconds{30});
  EXPECT_EQ(world.process->state(), client_state::waiting);
  for (const auto& body : world.server.bodies) EXPECT_EQ(body.find("<auth"), std::string::npos);
  world.mine.allows_plain_without_tls = true;
  world.start();
  world.show_online();
  EXPECT_TRUE(world.run_until(client_state::online));
}

TEST_P(both_dialects, answers_who_asks) {
  go_online();
  world.server.deliver("SIP-phone",
                       "<iq xmlns='jabber:client' type='get' id='1' from='bob@xmpp.test/a'>"
                       "<ping xmlns='urn:xmpp:ping'/></iq><iq xmlns='jabber:client' type='set' "
                       "id='2' from='bob@xmpp.test/a'><unknown xmlns='urn:x'/></iq>",
                       world.now);
  world.run(seconds{1});
  EXPECT_THAT(world.server.bodies,
              Contains(HasSubstr("<iq xmlns='jabber:client' type='result' id='1' "
                                 "to='bob@xmpp.test/a'/>")));
  EXPECT_THAT(world.server.bodies, Contains(HasSubstr("<service-unavailable")));
}

// ---- Sparse ------------------------------------------------------------------------------------

TEST_P(both_dialects, keeps_a_sparse_session_with_few_short_requests) {
  world.mine.mode = bosh_mode::sparse;
  go_online();
  const auto before = session().requests;
  world.run(seconds{480});
  // Prosody: one each 8 s. ejabberd: a poll and a pause each 48 s.
  EXPECT_NEAR(session().requests - before, is_prosody() ? 54 : 20, 3);
  world.show(on_the_phone);
  world.run(seconds{2});
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
  send_message("one");
  world.run(seconds{60});
  EXPECT_THAT(message_ids(), ElementsAre("one"));
  EXPECT_EQ(world.server.logins, 1);
  EXPECT_EQ(world.server.seen.size(), 2U);
}

// ---- Another process goes on
// ---------------------------------------------------------------------

// Rows "dup of held rid on a new connection" and chapter "Resume from another process".
TEST_P(both_dialects, goes_on_in_another_process_without_the_contact_noticing) {
  go_online();
  world.kill();
  world.run(seconds{5});
  world.start();
  world.run(seconds{2});
  EXPECT_EQ(world.process->state(), client_state::online);
  EXPECT_EQ(world.process->resumed(), 1U);
  world.show(on_the_phone);
  world.run(seconds{2});
  EXPECT_EQ(world.server.logins, 1);
  EXPECT_THAT(world.server.seen,
              ElementsAre("SIP-phone -1", "SIP-phone -1", "SIP-phone away On the phone. -1"));
}

// The process dies before the request leaves, or before its answer is there.
TEST_P(both_dialects, goes_on_whether_the_last_request_had_arrived_or_not) {
  for (const bool has_arrived : {false, true}) {
    client_world own{GetParam()};
    own.start();
    own.show_online();
    ASSERT_TRUE(own.run_until(client_state::online));
    own.run(seconds{1});
    if (has_arrived) {
      own.show(on_the_phone);
    } else {
      own.process->show(on_the_phone, own.now);
      ASSERT_TRUE(own.process->take_effects().keeps);
      own.kept = own.process->snapshot(); // kept, and never posted
    }
    own.kill();
    own.run(seconds{1});
    own.start();
    own.run(seconds{5});
    EXPECT_EQ(own.server.logins, 1) << has_arrived;
    EXPECT_EQ(own.last_seen(), "SIP-phone away On the phone. -1") << has_arrived;
    EXPECT_EQ(own.process->resumed(), 1U) << has_arrived;
  }
}

TEST_P(both_dialects, gets_a_message_that_came_while_no_process_was_there_once) {
  go_online();
  world.kill();
  send_message("one");
  world.run(seconds{3});
  world.start();
  world.run(seconds{3});
  EXPECT_THAT(message_ids(), ElementsAre("one"));
}

TEST_P(both_dialects, goes_on_with_its_keys) {
  world.mine.url = *http::url::parse("http://xmpp.test/http-bind/");
  go_online();
  for (int i = 0; i < 130; ++i) {
    world.kill();
    world.run(milliseconds{200});
    world.start();
    world.show(i % 2 == 0 ? on_the_phone : online);
    world.run(milliseconds{200});
  }
  EXPECT_EQ(world.server.logins, 1);
}

TEST_P(both_dialects, logs_in_when_the_session_was_given_up_meanwhile) {
  go_online();
  world.kill();
  world.run(seconds{75});
  EXPECT_THAT(world.last_seen(), HasSubstr("gone"));
  world.start();
  ASSERT_TRUE(world.run_until(client_state::online));
  world.run(seconds{1});
  EXPECT_EQ(world.last_seen(), "SIP-phone -1");
}

// Rows "repeat rid-4", "rid+9", "unknown sid": what was kept is wrong.
TEST_P(both_dialects, comes_online_whatever_was_kept) {
  for (const int shift : {-8, -4, -2, -1, 1, 2, 9}) {
    client_world own{GetParam()};
    own.start();
    own.show_online();
    ASSERT_TRUE(own.run_until(client_state::online));
    own.show(on_the_phone);
    own.run(seconds{1});
    own.kill();
    own.kept->session.rid += static_cast<std::uint64_t>(shift);
    own.start();
    own.run(seconds{200});
    EXPECT_EQ(own.process->state(), client_state::online) << shift;
    EXPECT_EQ(own.last_seen(), "SIP-phone away On the phone. -1") << shift;
  }
}

TEST_P(both_dialects, is_kept_for_longer_where_the_server_knows_pauses) {
  go_online();
  world.process->suspend(world.now);
  world.carry_out();
  world.kill();
  world.run(seconds{is_prosody() ? 20 : 50});
  world.start();
  world.run(seconds{5});
  EXPECT_EQ(world.process->state(), client_state::online);
  EXPECT_EQ(world.server.logins, 1);
  world.show(on_the_phone);
  world.run(seconds{2});
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
}

// A hundred kills at random moments: in the end the contact sees what is shown.
TEST_P(both_dialects, survives_a_hundred_kills) {
  go_online();
  std::uint32_t random = 7;
  for (int i = 0; i < 100; ++i) {
    random = random * 1664525 + 1013904223;
    world.show((random >> 20U) % 2 == 0 ? on_the_phone : online);
    world.run(milliseconds{100 * ((random >> 24U) % 20)});
    world.kill();
    world.run(milliseconds{100 * ((random >> 16U) % 120)});
    world.start();
    world.run(milliseconds{100 * ((random >> 12U) % 10)});
    ASSERT_TRUE(world.run_until(client_state::online));
  }
  world.show(on_the_phone);
  world.run(seconds{5});
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
  EXPECT_EQ(world.server.sessions.size(), 1U);
}

} // namespace
} // namespace tandem::xmpp

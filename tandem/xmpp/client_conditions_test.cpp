// SPDX-License-Identifier: Apache-2.0
// Each way in which a session can end, and what is done about it.
#include <tandem/xmpp/client_world_for_test.hpp>

#include <gmock/gmock.h>

namespace tandem::xmpp {
namespace {

using for_test::bosh_server;
using for_test::client_world;
using for_test::dialect;
using for_test::on_the_phone;
using for_test::online;
using testing::Contains;
using testing::HasSubstr;

std::string terminate_with(std::string_view condition, std::string_view content = {}) {
  return "<body xmlns='http://jabber.org/protocol/httpbind' type='terminate' condition='" +
         std::string{condition} + "'>" + std::string{content} + "</body>";
}

class conditions : public testing::Test {
 protected:
  void go_online() {
    world.start();
    world.show_online();
    ASSERT_TRUE(world.run_until(client_state::online));
    world.run(seconds{1});
  }
  /// The next requests are answered so.
  void answer_with(unsigned status, std::string body, int times = 1) {
    world.server.instead = [this, status, body, left = times](
                               int connection,
                               const xml_element&) mutable -> std::optional<bosh_server::reply> {
      if (left == 0) return std::nullopt;
      --left;
      answered_at.push_back(world.now);
      return bosh_server::reply{connection, status, body};
    };
  }
  void end_session(std::string_view condition, std::string_view content = {}) {
    answer_with(200, terminate_with(condition, content));
    world.show(world.last_seen() == "SIP-phone -1" ? on_the_phone : online);
  }
  [[nodiscard]] duration wait_of_client() {
    return world.process->state() == client_state::waiting ? world.process->next_due() - world.now
                                                           : duration{0};
  }

  client_world world{dialect::prosody};
  std::vector<instant> answered_at;
};

struct expected_wait {
  std::string_view condition;
  seconds least;
  seconds most;
};

class each_condition : public conditions, public testing::WithParamInterface<expected_wait> {};

INSTANTIATE_TEST_SUITE_P(
    table, each_condition,
    testing::Values(expected_wait{"item-not-found", seconds{0}, seconds{1}},
                    expected_wait{"remote-stream-error", seconds{1}, seconds{2}},
                    expected_wait{"other-request", seconds{1}, seconds{2}},
                    expected_wait{"internal-server-error", seconds{1}, seconds{2}},
                    expected_wait{"remote-connection-failed", seconds{1}, seconds{2}},
                    expected_wait{"system-shutdown", seconds{1}, seconds{2}},
                    expected_wait{"undefined-condition", seconds{1}, seconds{2}},
                    expected_wait{"never-heard-of", seconds{1}, seconds{2}},
                    expected_wait{"policy-violation", seconds{60}, seconds{75}},
                    expected_wait{"host-unknown", seconds{900}, seconds{1125}},
                    expected_wait{"host-gone", seconds{900}, seconds{1125}},
                    expected_wait{"improper-addressing", seconds{900}, seconds{1125}},
                    expected_wait{"bad-request", seconds{900}, seconds{1125}}),
    [](const auto& of) {
      std::string name{of.param.condition};
      std::ranges::replace(name, '-', '_');
      return name;
    });

// XEP-0124 17.2: each has its delay; then the state of the day is shown again.
TEST_P(each_condition, leads_to_another_login_after_its_delay) {
  go_online();
  end_session(GetParam().condition);
  EXPECT_EQ(world.process->state(), client_state::waiting);
  EXPECT_GE(wait_of_client(), GetParam().least);
  EXPECT_LE(wait_of_client(), GetParam().most);
  EXPECT_FALSE(world.kept) << "a session that is over would be tried again";
  world.server.sessions.clear();
  ASSERT_TRUE(world.run_until(client_state::online, seconds{1200}));
  world.run(seconds{1});
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
}

TEST_F(conditions, stanzas_that_precede_an_end_are_processed) {
  go_online();
  end_session("remote-stream-error", "<message xmlns='jabber:client' id='last'/>");
  ASSERT_EQ(world.messages.size(), 1U);
  EXPECT_EQ(world.messages[0].attribute("id"), "last");
}

TEST_F(conditions, delays_grow_up_to_300_s_and_begin_anew_after_a_minute_online) {
  go_online();
  world.server.instead = [](int connection, const xml_element&) {
    return std::optional{bosh_server::reply{connection, 200, terminate_with("system-shutdown")}};
  };
  world.show(on_the_phone);
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(world.process->state(), client_state::waiting);
    const duration wait = wait_of_client();
    // The clock of the test is coarse.
    EXPECT_GE(wait + milliseconds{200}, std::min(seconds{1U << i}, seconds{300}));
    EXPECT_LE(wait, seconds{375});
    world.run(wait + milliseconds{100});
  }
  world.server.instead = nullptr;
  ASSERT_TRUE(world.run_until(client_state::online, seconds{400}));
  world.run(seconds{61});
  end_session("system-shutdown");
  EXPECT_LE(wait_of_client(), seconds{2});
}

TEST_F(conditions, see_other_uri_is_followed_within_the_host_three_times) {
  go_online();
  world.server.instead = [](int connection, const xml_element&) {
    return std::optional{bosh_server::reply{
        connection, 200,
        terminate_with("see-other-uri", "<uri>https://xmpp.test:5281/other/</uri>")}};
  };
  world.show(on_the_phone);
  world.run(seconds{2});
  EXPECT_EQ(world.url, "https://xmpp.test:5281/other/");
  EXPECT_THAT(world.alarms, Contains(HasSubstr("not obeyed")));
  EXPECT_GE(wait_of_client(), seconds{50});
}

TEST_F(conditions, see_other_uri_leads_to_no_other_host_and_never_away_from_tls) {
  for (const char* const uri :
       {"https://evil.test/http-bind/", "http://xmpp.test/http-bind/", "ftp://xmpp.test/", ""}) {
    client_world own{dialect::prosody};
    own.start();
    own.show_online();
    ASSERT_TRUE(own.run_until(client_state::online));
    own.server.instead = [uri](int connection, const xml_element&) {
      return std::optional{bosh_server::reply{
          connection, 200, terminate_with("see-other-uri", "<uri>" + std::string{uri} + "</uri>")}};
    };
    own.show(on_the_phone);
    EXPECT_EQ(own.url, "") << uri;
    EXPECT_EQ(own.process->state(), client_state::waiting) << uri;
  }
}

TEST_F(conditions, a_conflict_backs_off) {
  go_online();
  end_session("remote-stream-error",
              "<stream:error xmlns:stream='http://etherx.jabber.org/streams'><conflict "
              "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
  EXPECT_EQ(world.process->last_end(), session_end::conflict);
  EXPECT_GE(wait_of_client(), seconds{1});
}

// HTTP 404 and 403 without a body, of old managers.
TEST_F(conditions, old_status_codes_are_conditions) {
  go_online();
  answer_with(404, "");
  world.show(on_the_phone);
  EXPECT_EQ(world.process->last_end(), session_end::item_not_found);
  ASSERT_TRUE(world.run_until(client_state::online));
  answer_with(403, "");
  world.show(online);
  EXPECT_EQ(world.process->last_end(), session_end::policy_violation);
  EXPECT_GE(wait_of_client(), seconds{60});
}

// HTTP 5xx, 429 and pages that are no BOSH: the same rid, later and later.
TEST_F(conditions, what_stands_between_is_asked_again_with_the_same_rid) {
  for (const unsigned status : {500U, 502U, 503U, 504U, 429U, 302U, 200U}) {
    client_world own{dialect::prosody};
    own.start();
    own.show_online();
    ASSERT_TRUE(own.run_until(client_state::online));
    own.run(seconds{1});
    int left = 3;
    own.server.instead = [&left, status](int connection,
                                         const xml_element&) -> std::optional<bosh_server::reply> {
      if (left == 0) return std::nullopt;
      --left;
      return bosh_server::reply{connection, status, "<html>Bad Gateway</html>"};
    };
    const auto before = own.posts.size();
    own.show(on_the_phone);
    own.run(seconds{5});
    ASSERT_GE(own.posts.size(), before + 4) << status;
    for (auto i = before; i < before + 4; ++i) EXPECT_EQ(own.posts[i].body, own.posts[before].body);
    EXPECT_EQ(own.last_seen(), "SIP-phone away On the phone. -1") << status;
    EXPECT_EQ(own.server.logins, 1) << status;
  }
}

TEST_F(conditions, what_stands_between_for_longer_than_the_inactivity_ends_the_session) {
  go_online();
  answer_with(503, "", 1000);
  world.show(on_the_phone);
  world.run(seconds{20});
  EXPECT_EQ(world.process->last_end(), session_end::unreachable);
  EXPECT_LE(answered_at.size(), 15U);
}

// XEP-0124 17.3: a recoverable error has every unanswered request repeated, as it was.
TEST_F(conditions, a_recoverable_error_repeats_all_that_is_unanswered) {
  go_online();
  const auto held = world.posts.back();
  answer_with(200, "<body xmlns='http://jabber.org/protocol/httpbind' type='error'/>");
  const auto before = world.posts.size();
  world.show(on_the_phone);
  world.run(seconds{1});
  ASSERT_GE(world.posts.size(), before + 3);
  EXPECT_EQ(world.posts[before + 1].body, held.body);
  EXPECT_EQ(world.posts[before + 2].body, world.posts[before].body);
  EXPECT_EQ(world.last_seen(), "SIP-phone away On the phone. -1");
  EXPECT_EQ(world.server.logins, 1);
}

TEST_F(conditions, recoverable_errors_without_end_end_the_session) {
  go_online();
  answer_with(200, "<body xmlns='http://jabber.org/protocol/httpbind' type='error'/>", 1000);
  world.show(on_the_phone);
  world.run(seconds{1});
  EXPECT_EQ(world.process->last_end(), session_end::bad_answer);
  EXPECT_LE(answered_at.size(), 20U);
}

TEST_F(conditions, a_creation_without_sid_is_a_bad_answer) {
  answer_with(200, "<body xmlns='http://jabber.org/protocol/httpbind' wait='60'/>");
  world.start();
  world.show_online();
  world.run(milliseconds{100});
  EXPECT_EQ(world.process->last_end(), session_end::bad_answer);
}

// RFC 6120 6.5
TEST_F(conditions, a_failure_that_goes_by_is_tried_again) {
  int steps = 0;
  world.server.instead = [&](int connection,
                             const xml_element& body) -> std::optional<bosh_server::reply> {
    if (!body.find_child("auth", sasl_space) || steps++ > 0) return std::nullopt;
    return bosh_server::reply{
        connection, 200,
        "<body xmlns='http://jabber.org/protocol/httpbind'><failure "
        "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure></body>"};
  };
  world.start();
  world.show_online();
  ASSERT_TRUE(world.run_until(client_state::online));
  EXPECT_EQ(world.server.logins, 1);
}

TEST_F(conditions, a_server_that_does_not_know_the_password_is_not_believed) {
  for (const char* const data : {"", "dj1ybVpNUHhGV2ZKT1dQUVZkeVZkVw=="}) {
    client_world own{dialect::prosody};
    own.server.mechanisms = {"SCRAM-SHA-256"};
    own.server.instead = [data](int connection,
                                const xml_element& body) -> std::optional<bosh_server::reply> {
      if (!body.find_child("response", sasl_space)) return std::nullopt;
      return bosh_server::reply{connection, 200,
                                "<body xmlns='http://jabber.org/protocol/httpbind'><success "
                                "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" +
                                    std::string{data} + "</success></body>"};
    };
    own.start();
    own.show_online();
    own.run(seconds{10});
    EXPECT_THAT(own.alarms, Contains(HasSubstr("has not proved")));
    EXPECT_NE(own.process->state(), client_state::online);
    for (const auto& body : own.server.bodies) EXPECT_EQ(body.find("restart"), std::string::npos);
  }
}

TEST_F(conditions, iterations_are_neither_few_nor_endless) {
  for (const char* const count : {"1", "4095", "100001", "2000000000"}) {
    client_world own{dialect::prosody};
    own.server.mechanisms = {"SCRAM-SHA-1"};
    own.server.iterations = count;
    own.start();
    own.show_online();
    own.run(seconds{10});
    EXPECT_THAT(own.alarms, Contains(HasSubstr("iteration"))) << count;
  }
}

TEST_F(conditions, a_login_that_goes_nowhere_is_given_up) {
  world.server.forgets_features = true;
  world.server.instead = [](int connection,
                            const xml_element& body) -> std::optional<bosh_server::reply> {
    if (!body.find_attribute("sid")) return std::nullopt;
    return bosh_server::reply{connection, 0, ""};
  };
  world.start();
  world.show_online();
  EXPECT_TRUE(world.run_until(client_state::waiting, seconds{70}));
  EXPECT_THAT(world.alarms, Contains("the login took too long"));
}

// XEP-0124 9
TEST_F(conditions, acknowledges_where_the_server_does_and_repeats_what_a_report_names) {
  world.mine.wants_acks = true;
  world.server.answers_acks = true;
  go_online();
  EXPECT_THAT(world.server.bodies.front(), HasSubstr(" ack='1'"));
  world.show(on_the_phone); // two requests are under way: the newest has another one before it
  EXPECT_THAT(world.server.bodies.back(), HasSubstr(" ack='"));
}

} // namespace
} // namespace tandem::xmpp

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/door.hpp>

#include <tandem/base/log.hpp>
#include <tandem/http/client.hpp>
#include <tandem/sip2/mediator/library_for_test.hpp>

#include <tandem/sip2/mediator/terminal_for_test.hpp>

#include <gtest/gtest.h>

#include <optional>

namespace tandem::sip2 {
namespace {

const std::string door_answer = "18030101" + d + "AB3|AJEmma|\r";
const std::string door_login = "9300CNu|COp|";

class door_test : public testing::Test {
 protected:
  door_test() {
    set_log_level(log_level::critical);
    set({});
    d_.emplace(loop, library, counters, rules, "default", door_state::open);
    d_->serve(*server, "/door");
    const auto at = server->listen({ip_address::v4(127, 0, 0, 1), 0, 0});
    EXPECT_TRUE(at);
    client.emplace(loop,
                   http::client_options{.server = *http::url::parse("http://" + at->to_string()),
                                        .headers = {{"Authorization", "Bearer token"}}});
  }
  ~door_test() override { set_log_level(log_level::notice); }

  void set(const profile& p) { rules->profiles[p.name] = std::make_shared<const profile>(p); }
  static profile with_login() {
    profile p;
    p.needs_login = true;
    return p;
  }

  /// Posts and waits for what comes back; status 0: nothing did.
  http::response post(const std::string& query, const std::string& body,
                      const std::string& type = "text/plain") {
    std::optional<http::client_result> got;
    client->send({.method = "POST",
                  .target = "/door" + query,
                  .headers = {{"Content-Type", type}},
                  .body = body},
                 seconds{10}, [&](http::client_result&& r) { got = std::move(r); });
    EXPECT_TRUE(loop.run_until([&] { return got.has_value(); }, seconds{10}));
    return got && *got ? std::move(**got) : http::response{.status = 0};
  }
  unsigned status_of(const std::string& query, const std::string& body) {
    return post(query, body).status;
  }

  io::shard loop;
  library_for_test library{loop};
  terminal_counters counters;
  std::shared_ptr<terminal_rules> rules = std::make_shared<terminal_rules>();
  std::optional<http::server> server{std::in_place, loop,
                                     http::server_options{.token = secret{"token"}}};
  std::optional<door> d_;
  std::optional<http::client> client;
};

TEST_F(door_test, a_message_is_answered_in_the_form_it_came_in) {
  EXPECT_EQ(post("", item).body, door_answer);
  const auto json = R"({"code":"17","fixed_fields":[")" + d + R"("],"fields":[{"AB":"3"}]})";
  const auto answer = post("", json, "application/json");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body.substr(0, 12), R"({"code":"18")");
  EXPECT_EQ(counters.requests, 2U);
  EXPECT_EQ(counters.answers, 2U);
}

TEST_F(door_test, what_is_no_request_is_refused_and_not_relayed) {
  for (const auto& [query, body] :
       {std::pair{"", "18" + d}, std::pair{"", item + "AY1AZ0000"},
        std::pair{"", std::string{item}.append("\r").append(item)}, std::pair{"", std::string{}},
        std::pair{"?session=a%0Ab", item}})
    EXPECT_EQ(status_of(query, body), 400U) << query << body;
  EXPECT_EQ(post("", "{}", "application/json").status, 400U);
  EXPECT_EQ(
      post("", R"({"code":"17","fixed_fields":["x)" + d + R"("]})", "application/json").status,
      400U);
  EXPECT_TRUE(library.seen.empty());
}

TEST_F(door_test, what_is_refused_counts_as_it_does_for_terminals) {
  EXPECT_EQ(status_of("", item + "AY1AZ0000"), 400U);
  EXPECT_EQ(counters.bad_checksums, 1U);
  EXPECT_EQ(status_of("", "77x"), 400U);
  EXPECT_EQ(status_of("", "18" + d), 400U);
  EXPECT_EQ(post("", R"({"code":"77"})", "application/json").status, 400U);
  EXPECT_EQ(post("", R"({"code":"94"})", "application/json").status, 400U);
  EXPECT_EQ(counters.unknown_codes, 4U);
  set(with_login());
  EXPECT_EQ(status_of("", item), 403U);
  EXPECT_EQ(counters.refused_requests, 1U);
  EXPECT_EQ(counters.bad_checksums + counters.unknown_codes, 5U);
  EXPECT_EQ(counters.requests, 1U);
}

TEST_F(door_test, ay_and_az_pass_in_neither_direction) {
  library.answer = [](const backend_request&) -> backend_reply {
    return said(R"({"code":"18","fixed_fields":["03","01","01"],)"
                R"("fields":[{"AB":"3"},{"AY":"1","AZ":"FFFF"},{"AJ":"Emma"}]})");
  };
  const auto json = R"({"code":"17","fixed_fields":[],"fields":[{"AY":"1AZFFFF"},{"AB":"3"}]})";
  const auto body = post("", json, "application/json").body;
  EXPECT_EQ(body.find(R"("AY")"), std::string::npos) << body;
  EXPECT_EQ(body.find(R"("AZ")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("AJ":"Emma")"), std::string::npos) << body;
  ASSERT_EQ(library.seen.size(), 1U);
  EXPECT_FALSE(library.seen[0].content.has(field_id{"AY"}));
}

TEST_F(door_test, a_number_that_a_fixed_field_cannot_hold_is_refused) {
  for (const char* fixed : {R"([20261120153457])", R"([-1])"})
    EXPECT_EQ(
        post("", R"({"code":"17","fixed_fields":)" + std::string{fixed} + "}", "application/json")
            .status,
        400U)
        << fixed;
  EXPECT_TRUE(library.seen.empty());
}

TEST_F(door_test, a_closed_door_takes_nothing_until_it_is_opened) {
  d_->use(rules, "default", door_state::closed);
  EXPECT_EQ(status_of("", item), 404U);
  EXPECT_TRUE(library.seen.empty());
  d_->use(rules, "default", door_state::open);
  EXPECT_EQ(status_of("", item), 200U);
}

TEST_F(door_test, draining_finishes_what_is_in_progress_and_refuses_what_comes_new) {
  library.is_silent = true;
  std::optional<http::client_result> got;
  client->send({.method = "POST",
                .target = "/door",
                .headers = {{"Content-Type", "text/plain"}},
                .body = item},
               seconds{10}, [&](http::client_result&& r) { got = std::move(r); });
  ASSERT_TRUE(loop.run_until([&] { return library.kept.size() == 1; }, seconds{10}));
  bool is_done = false;
  d_->drain(seconds{10}, [&] { is_done = true; });
  const auto late = post("", item);
  EXPECT_EQ(late.status, 503U);
  EXPECT_EQ(late.body.substr(0, 8), "18010101");
  EXPECT_FALSE(is_done);
  library.kept.front()(library_for_test::usual(library.seen.front()));
  ASSERT_TRUE(loop.run_until([&] { return got.has_value() && is_done; }, seconds{10}));
  ASSERT_TRUE(*got);
  EXPECT_EQ((*got)->body, door_answer);
}

TEST_F(door_test, the_end_of_a_drain_is_told_later_even_where_nothing_is_in_progress) {
  int done = 0;
  d_->drain(seconds{10}, [&] { ++done; });
  EXPECT_EQ(done, 0);
  ASSERT_TRUE(loop.run_until([&] { return done > 0; }, seconds{10}));
  EXPECT_EQ(done, 1);
}

TEST_F(door_test, at_the_limit_of_a_drain_what_is_in_progress_is_refused) {
  library.is_silent = true;
  std::optional<http::client_result> got;
  client->send({.method = "POST",
                .target = "/door",
                .headers = {{"Content-Type", "text/plain"}},
                .body = item},
               seconds{10}, [&](http::client_result&& r) { got = std::move(r); });
  ASSERT_TRUE(loop.run_until([&] { return library.kept.size() == 1; }, seconds{10}));
  bool is_done = false;
  d_->drain(milliseconds{20}, [&] { is_done = true; });
  ASSERT_TRUE(loop.run_until([&] { return got.has_value() && is_done; }, seconds{10}));
  ASSERT_TRUE(*got);
  EXPECT_EQ((*got)->status, 503U);
  EXPECT_EQ((*got)->body.substr(0, 8), "18010101");
  EXPECT_EQ(counters.failures, 1U);
  library.kept.front()(library_for_test::usual(library.seen.front()));
  EXPECT_EQ(counters.answers, 1U) << "the late answer is nobody's";
}

TEST_F(door_test, where_a_login_is_required_a_session_has_to_log_in_first) {
  set(with_login());
  const auto refused = post("?session=mine", item);
  EXPECT_EQ(refused.status, 403U);
  EXPECT_EQ(refused.body.substr(0, 8), "18010101") << "the well-formed refusal";
  EXPECT_EQ(status_of("", item), 403U) << "a session of its own has never logged in";
  EXPECT_EQ(status_of("", door_login), 200U) << "and a login without a session helps none";
  EXPECT_EQ(status_of("", item), 403U);
  EXPECT_EQ(status_of("?session=mine", door_login), 200U);
  EXPECT_EQ(post("?session=mine", item).body, door_answer);
  EXPECT_EQ(status_of("?session=other", item), 403U);
  EXPECT_EQ(post("?session=mine", R"({"code":"XS"})", "application/json").status, 200U);
  EXPECT_EQ(status_of("?session=mine", item), 403U) << "it has ended";
  EXPECT_EQ(counters.logins, 2U);
}

TEST_F(door_test, a_login_that_is_refused_opens_nothing) {
  set(with_login());
  library.answer = [](const backend_request& request) -> backend_reply {
    if (request.content.code == code::login) return said(R"({"code":"94","fixed_fields":["0"]})");
    return library_for_test::usual(request);
  };
  EXPECT_EQ(post("?session=mine", door_login).body, "940\r");
  EXPECT_EQ(status_of("?session=mine", item), 403U);
  rules->only_known_accounts = true;
  EXPECT_EQ(post("?session=mine", door_login).body, "940\r");
  EXPECT_EQ(status_of("?session=mine", item), 403U);
  EXPECT_EQ(library.seen.size(), 1U);
  EXPECT_EQ(counters.refused_logins, 2U);
}

TEST_F(door_test, an_account_brings_its_profile_its_name_and_its_kind_of_session) {
  profile kiosk = with_login();
  kiosk.name = "kiosk";
  kiosk.filters = {{.id = field_id{"AJ"}}};
  set(kiosk);
  rules->accounts["u"] = {.login = "u",
                          .password = secret{"p"},
                          .profile = "kiosk",
                          .asks_backend = false,
                          .is_transient = true};
  EXPECT_EQ(post("?session=mine", "9300CNu|COwrong|").body, "940\r");
  EXPECT_EQ(post("?session=mine", door_login).body, "941\r");
  EXPECT_TRUE(library.seen.empty()) << "the account is judged here";
  EXPECT_EQ(post("?session=mine", item).body, "18030101" + d + "AB3|\r");
  EXPECT_EQ(library.seen[0].account, "u");
  EXPECT_TRUE(library.seen[0].is_transient);
}

TEST_F(door_test, a_request_without_a_session_needs_no_back_end_to_remember_it) {
  const auto first = post("", item);
  const auto second = post("", item);
  (void)post("?session=mine", item);
  ASSERT_EQ(library.seen.size(), 3U);
  EXPECT_NE(library.seen[0].session, library.seen[1].session);
  EXPECT_EQ(http::find_header(first.headers, "X-Session"), library.seen[0].session);
  EXPECT_TRUE(library.seen[0].is_transient);
  EXPECT_EQ(library.seen[2].session, "mine");
  EXPECT_FALSE(library.seen[2].is_transient);
}

TEST_F(door_test, a_status_of_too_old_a_version_is_refused) {
  profile p;
  p.minimum_version = "2.00";
  set(p);
  EXPECT_EQ(status_of("", "9909991.00"), 403U);
  EXPECT_TRUE(library.seen.empty());
}

TEST_F(door_test, each_failure_has_its_status_and_the_message_that_refuses) {
  for (const auto& [kind, status] :
       {std::pair{backend_failure::timed_out, 504U}, std::pair{backend_failure::unreachable, 503U},
        std::pair{backend_failure::circuit_open, 503U}, std::pair{backend_failure::lost, 502U},
        std::pair{backend_failure::status, 502U}}) {
    library.answer = [failed = kind](const backend_request&) -> backend_reply {
      return tandem::fail(backend_error{failed, 0, "why", ""});
    };
    const auto answer = post("", item);
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.body.substr(0, 8), "18010101");
  }
  library.answer = [](const backend_request&) -> backend_reply { return said("nonsense"); };
  EXPECT_EQ(status_of("", item), 502U);
  EXPECT_EQ(counters.failures, 6U);
  EXPECT_EQ(counters.bad_answers, 1U);
}

TEST_F(door_test, a_door_that_goes_answers_what_it_holds_and_hears_no_late_reply) {
  library.is_silent = true;
  std::optional<http::client_result> got;
  client->send({.method = "POST",
                .target = "/door",
                .headers = {{"Content-Type", "text/plain"}},
                .body = item},
               seconds{10}, [&](http::client_result&& r) { got = std::move(r); });
  ASSERT_TRUE(loop.run_until([&] { return library.kept.size() == 1; }, seconds{10}));
  d_.reset();
  library.kept.front()(said("{}"));
  library.kept.clear();
  ASSERT_TRUE(loop.run_until([&] { return got.has_value(); }, seconds{10}));
  ASSERT_TRUE(*got);
  EXPECT_EQ((*got)->status, 500U);
}

TEST(door_sessions, are_forgotten_after_an_hour_of_silence_and_beyond_their_bound) {
  door_sessions sessions;
  const instant start{seconds{1000}};
  sessions.log_in("a", "u", start);
  const auto later = start + door_sessions::idle_limit;
  ASSERT_NE(sessions.find("a", later), nullptr);
  EXPECT_EQ(*sessions.find("a", later), "u");
  EXPECT_NE(sessions.find("a", later + door_sessions::idle_limit), nullptr) << "it was used";
  EXPECT_EQ(sessions.find("a", later + 2 * door_sessions::idle_limit + seconds{1}), nullptr);
  EXPECT_EQ(sessions.find("a", start), nullptr) << "for good";
  for (std::size_t i = 0; i <= door_sessions::most; ++i)
    sessions.log_in(std::to_string(i), "", start);
  EXPECT_EQ(sessions.find("0", start), nullptr);
  EXPECT_NE(sessions.find("1", start), nullptr);
  sessions.end("1");
  EXPECT_EQ(sessions.find("1", start), nullptr);
}

} // namespace
} // namespace tandem::sip2

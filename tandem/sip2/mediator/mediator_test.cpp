// SPDX-License-Identifier: Apache-2.0
// The mediator between a terminal's socket and a library system over HTTP, and what operators ask.
#include <tandem/sip2/mediator/mediator.hpp>

#include <tandem/base/log.hpp>
#include <tandem/http/client.hpp>
#include <tandem/io/raw_peer_for_test.hpp>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace tandem::sip2 {
namespace {

using testing::HasSubstr;
using testing::Not;

namespace bj = boost::json;

const std::string kiosk_login = "9300CNkiosk|COtopsecret|\r";
const std::string item_request = "1720261120    153457AOi|AB3|\r";
const std::string system_answer = "1803010120261120    153457AB3|AJEmma|\r";

class mediators : public testing::Test {
 protected:
  mediators() {
    set_log_level(log_level::critical);
    library.route("POST", "/sip2", http::route_access::open,
                  [this](http::request&& request, http::responder responder) {
                    answer(request, std::move(responder));
                  });
    const auto at = library.listen(*socket_address::parse("127.0.0.1:0"));
    EXPECT_TRUE(at);
    config.listeners = {{.name = "test", .address = *socket_address::parse("127.0.0.1:0")}};
    config.backend.urls = {*http::url::parse("http://" + at->to_string() + "/sip2")};
    config.http.address = socket_address::parse("127.0.0.1:0");
    config.http.token = secret{"token"};
    config.level = log_level::critical;
    config.rules->profiles["default"] = std::make_shared<const profile>();
  }
  ~mediators() override { set_log_level(log_level::notice); }

  void start() {
    m.emplace(
        loop,
        [this]() -> result<mediator_config, std::string> {
          if (!fault.empty()) return fail(fault);
          return config;
        },
        "", [this] { is_finished = true; });
    ASSERT_EQ(m->start(config), "");
    ASSERT_TRUE(m->http_address());
    operators.emplace(loop, http::client_options{.server = *http::url::parse(
                                                     "http://" + m->http_address()->to_string()),
                                                 .headers = {{"Authorization", "Bearer token"}}});
  }
  io::raw_peer_for_test connect() { return io::raw_peer_for_test{m->terminals().addresses()[0]}; }

  /// Sends a line and waits for what ends in CR; "~": the connection has ended.
  std::string ask(io::raw_peer_for_test& terminal, std::string_view line) {
    terminal.say(line);
    std::string text;
    EXPECT_TRUE(loop.run_until(
        [&] {
          char bytes[4096];
          const auto n = ::recv(terminal.fd(), bytes, sizeof bytes, MSG_DONTWAIT);
          if (n > 0) text.append(bytes, static_cast<std::size_t>(n));
          if (n == 0) text += '~';
          return text.ends_with('\r') || text.ends_with('~');
        },
        seconds{10}));
    return text;
  }
  std::string fetch(const http::request& request) {
    std::optional<http::client_result> got;
    operators->send(request, seconds{10}, [&](http::client_result&& r) { got = std::move(r); });
    EXPECT_TRUE(loop.run_until([&] { return got.has_value(); }, seconds{10}));
    return got && *got ? (*got)->body : "nothing";
  }
  std::string metrics() { return fetch({.target = "/metrics"}); }
  /// A command by JSON-RPC: its result, or its error.
  bj::object call(std::string_view method, bj::object parameters = {}) {
    const auto answer = bj::parse(
        fetch({.method = "POST",
               .target = "/rpc",
               .headers = {{"Content-Type", "application/json"}},
               .body = bj::serialize(bj::object{
                   {"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", parameters}})}));
    const auto& object = answer.as_object();
    const auto* good = object.if_contains("result");
    return (good ? *good : object.at("error")).as_object();
  }
  /// The only terminal of the list.
  bj::object terminal() {
    const auto list = call("terminal.list");
    const auto& all = list.at("terminals").as_array();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? bj::object{} : all[0].as_object();
  }

  void answer(const http::request& request, http::responder responder) {
    const auto text = http::form_value(request.body, "message").value_or("");
    seen.push_back(text);
    http::response r;
    const auto code = text.substr(9, 2);
    if (code == "93") r.body = R"({"code":"94","fixed_fields":["1"]})";
    if (code == "XS") r.body = R"({"code":"XT"})";
    if (code == "17")
      r.body = R"({"code":"18","fixed_fields":["03","01","01","20261120    153457"],)"
               R"("fields":[{"AB":"3"},{"AJ":"Emma"}]})";
    r.status = r.body.empty() ? 400 : 200;
    responder.respond(std::move(r));
  }

  io::shard loop;
  http::server library{loop};
  std::vector<std::string> seen;
  mediator_config config;
  std::string fault; ///< what the next reload says is wrong
  bool is_finished = false;
  std::optional<mediator> m;
  std::optional<http::client> operators;
};

TEST_F(mediators, a_terminal_is_served_listed_traced_and_kicked) {
  start();
  auto t = connect();
  EXPECT_EQ(ask(t, kiosk_login), "941\r");
  const auto shown = terminal();
  EXPECT_EQ(shown.at("account"), "kiosk");
  EXPECT_EQ(shown.at("listener"), "test");
  const std::string id{shown.at("id").as_string()};
  EXPECT_EQ(call("terminal.trace", {{"id", id}}).at("next"), 0) << "it begins here";
  EXPECT_EQ(ask(t, item_request), system_answer);
  EXPECT_EQ(ask(t, kiosk_login), "941\r");
  const auto trace = call("terminal.trace", {{"id", id}, {"from", 0}});
  ASSERT_EQ(trace.at("lines").as_array().size(), 4U);
  EXPECT_THAT(bj::serialize(trace), Not(HasSubstr("topsecret")));
  EXPECT_EQ(call("terminal.trace", {{"id", id}, {"from", 3}}).at("lines").as_array().size(), 1U);
  EXPECT_EQ(terminal().at("traced"), true);
  EXPECT_EQ(call("terminal.untrace", {{"id", id}}).at("traced"), false);
  EXPECT_EQ(call("terminal.kick", {{"id", id}}).at("kicked"), true);
  EXPECT_EQ(ask(t, ""), "~");
  ASSERT_TRUE(loop.run_until([&] { return m->terminals().connected() == 0; }, seconds{10}));
  EXPECT_THAT(seen.back(), HasSubstr("XS")) << "the back-end is told";
  for (const char* method : {"terminal.kick", "terminal.trace", "terminal.untrace"})
    EXPECT_THAT(bj::serialize(call(method, {{"id", id}})), HasSubstr("no terminal of that id"));
}

TEST_F(mediators, status_and_metrics_count_the_same) {
  start();
  auto t = connect();
  EXPECT_EQ(ask(t, kiosk_login), "941\r");
  EXPECT_EQ(ask(t, item_request), system_answer);
  EXPECT_EQ(ask(t, "6300120261120    153457          AOi|AA2|\r").substr(0, 6), "64YYYY");
  const auto status = call("mediator.status");
  EXPECT_EQ(status.at("ready"), "yes");
  EXPECT_EQ(status.at("terminals"), 1);
  EXPECT_EQ(status.at("requests"), 3);
  EXPECT_EQ(status.at("answers"), 3);
  EXPECT_EQ(status.at("failures"), 1);
  EXPECT_EQ(status.at("logins"), 1);
  EXPECT_EQ(status.at("backends").as_array()[0].as_object().at("requests"), 3);
  const auto text = metrics();
  for (const char* line :
       {"\nsip2_terminals 1\n", "\nsip2_requests_total 3\n", "\nsip2_failure_answers_total 1\n",
        "\nsip2_backend_failures_total{cause=\"status\"} 1\n",
        "\nsip2_logins_total{outcome=\"accepted\"} 1\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST_F(mediators, every_metric_is_named_for_the_mediator_or_for_the_process) {
  start();
  const auto text = metrics();
  constexpr std::string_view mark = "# TYPE ";
  std::size_t families = 0;
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const auto name = std::string_view{text}.substr(at + mark.size(), 64);
    ++families;
    EXPECT_TRUE(name.starts_with("sip2_") || name.starts_with("process_") ||
                name.starts_with("tandem_build_info"))
        << name.substr(0, name.find(' '));
  }
  EXPECT_GT(families, 20U);
}

TEST_F(mediators, a_reload_with_a_fault_leaves_everything_in_force) {
  start();
  auto t = connect();
  EXPECT_EQ(ask(t, kiosk_login), "941\r");
  fault = "file.toml:1:1: nonsense";
  EXPECT_EQ(m->reload(), fault);
  EXPECT_THAT(bj::serialize(call("mediator.reload")), HasSubstr("nonsense"));
  EXPECT_EQ(ask(t, item_request), system_answer);
  fault.clear();
  config.backend.urls.clear(); // what only the pool finds
  EXPECT_NE(m->reload(), "");
  EXPECT_EQ(ask(t, item_request), system_answer);
  EXPECT_EQ(call("mediator.status").at("failed_reloads"), 3);
  EXPECT_EQ(call("mediator.status").at("reloads"), 0);
}

TEST_F(mediators, a_reload_holds_for_terminals_that_stay_and_for_the_token) {
  start();
  auto t = connect();
  EXPECT_EQ(ask(t, kiosk_login), "941\r");
  profile changed;
  changed.institutions = {{"i", "inner"}};
  config.rules = std::make_shared<terminal_rules>();
  config.rules->profiles["default"] = std::make_shared<const profile>(changed);
  config.http.token = secret{"another"};
  EXPECT_EQ(call("mediator.reload").at("reloaded"), true);
  EXPECT_EQ(ask(t, item_request), system_answer);
  EXPECT_THAT(seen.back(), HasSubstr(R"({"AO":"inner"})"));
  EXPECT_THAT(fetch({.method = "POST", .target = "/rpc", .body = "{}"}), Not(HasSubstr("jsonrpc")))
      << "the old token opens nothing";
}

TEST_F(mediators, a_drain_tells_the_back_end_of_each_end_and_then_finishes) {
  start();
  auto t = connect();
  EXPECT_EQ(ask(t, kiosk_login), "941\r");
  EXPECT_EQ(call("mediator.drain").at("draining"), true);
  ASSERT_TRUE(loop.run_until([&] { return is_finished; }, seconds{10}));
  EXPECT_EQ(ask(t, ""), "~");
  EXPECT_THAT(seen.back(), HasSubstr("XS"));
  EXPECT_EQ(fetch({.target = "/ready"}).substr(0, 8), "draining");
  EXPECT_NE(m->reload(), "") << "nothing is read any more";
  m->drain(seconds{1}); // once is enough
}

TEST_F(mediators, what_cannot_be_opened_is_told) {
  start();
  mediator second{loop, [] { return result<mediator_config, std::string>{}; }, "", [] {}};
  auto taken = config;
  taken.listeners[0].address = m->terminals().addresses()[0];
  EXPECT_THAT(second.start(taken), HasSubstr("listener test"));
  mediator third{loop, [] { return result<mediator_config, std::string>{}; }, "", [] {}};
  taken = config;
  taken.http.address = m->http_address();
  EXPECT_THAT(third.start(taken), HasSubstr("HTTP port"));
  mediator fourth{loop, [] { return result<mediator_config, std::string>{}; }, "", [] {}};
  taken.backend.urls.clear();
  EXPECT_THAT(fourth.start(taken), HasSubstr("no back-end"));
}

} // namespace
} // namespace tandem::sip2

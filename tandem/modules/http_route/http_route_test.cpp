// SPDX-License-Identifier: Apache-2.0
// The function in a script, with a real HTTP server as the application.
#include <tandem/http/server.hpp>
#include <tandem/modules/script_fixture_for_test.hpp>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace tandem::modules::for_test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

class http_route : public script_fixture {
 protected:
  http_route() {
    application.route("POST", "/where", http::route_access::open,
                      [this](http::request&& asked, http::responder answer) {
                        questions.push_back(std::move(asked));
                        if (is_silent)
                          held.push_back(std::move(answer));
                        else
                          answer.respond({.status = status, .headers = {}, .body = says});
                      });
    port = application.listen(*socket_address::parse("127.0.0.1:0")).value().port;
  }

  /// The script asks, and says what the function has been.
  void load_asking(std::string_view more = {}) {
    std::string text = R"(loadmodule "sl"
loadmodule "tm"
loadmodule "textops"
loadmodule "http_route"
)";
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/where?x=1";
    text.append(more)
        .append("\nroute {\n  if (http_route(\"")
        .append(url)
        .append(R"(")) {
    if (method=="OPTIONS") { sl_send_reply("200", "$ru"); break; }
    t_on_failure("again");
    if (!t_relay()) { sl_reply_error(); }
  } else {
    sl_reply_error();
  }
}
failure_route[again] {
  if (http_route(")")
        .append(url)
        .append(R"(")) { t_relay(); }
})");
    load(text);
  }

  /// A request whose answer, or whose copy, has gone out.
  void handle(const request_parts& p) {
    receive(p);
    wait_for_output();
  }
  void wait_for_output() {
    ASSERT_TRUE(shard.run_until([this] { return !out.sent.empty(); }));
  }
  [[nodiscard]] json::value question() const { return json::parse(questions.back().body); }
  [[nodiscard]] double counted(std::string_view result) const {
    return shared.metrics.value("tandem_http_route_total", {{"result", std::string{result}}});
  }

  http::server application{shard};
  std::vector<http::request> questions;
  std::vector<http::responder> held;
  unsigned status = 200;
  std::string says = R"({"action":"continue"})";
  bool is_silent = false;
  std::uint16_t port = 0;
};

TEST_F(http_route, tells_the_application_the_request) {
  load_asking();
  request_parts p = request("OPTIONS");
  p.more = "X-Odd: \"quote\" and \xff\r\nAuthorization: Digest username=\"a\", response=\"0\"\r\n"
           "s: subject\r\n";
  handle(p);
  EXPECT_EQ(take("200").text.substr(0, 11), "SIP/2.0 200");
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_EQ(questions[0].target, "/where?x=1");
  EXPECT_EQ(http::find_header(questions[0].headers, "Content-Type"), "application/json");
  const json::value q = question();
  EXPECT_EQ(q.at("version"), 1);
  EXPECT_EQ(q.at("block"), "route");
  EXPECT_EQ(q.at("method"), "OPTIONS");
  EXPECT_EQ(q.at("uri"), json::string_view{p.uri});
  EXPECT_EQ(q.at("source").at("address"), "192.0.2.1");
  EXPECT_EQ(q.at("source").at("port"), 5060);
  EXPECT_EQ(q.at("source").at("transport"), "udp");
  const std::string all = json::serialize(q.at("headers"));
  EXPECT_THAT(all, HasSubstr(R"({"name":"Subject","value":"subject"})"));
  EXPECT_THAT(all, HasSubstr("\"X-Odd\""));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("Authorization"))) << "a password's answer stays here";
}

TEST_F(http_route, sends_the_request_where_the_application_says) {
  says = R"({"action":"relay","to":["sip:one@192.0.2.11",
            {"uri":"sip:two@example.net","next_hop":"sip:192.0.2.12"}],
            "headers":{"X-By":"the application","Subject":null}})";
  load_asking();
  request_parts p = request("INVITE");
  p.more = "Subject: away\r\n";
  handle(p);
  EXPECT_EQ(take("100").kind(), "100");
  std::vector<std::string> went;
  while (!out.sent.empty()) {
    const auto copy = take("INVITE");
    const auto m = parsed(copy.text);
    went.push_back(std::string{m.request_uri()} + " " + copy.to.address.to_string());
    EXPECT_EQ(m.front("X-By"), "the application");
    EXPECT_FALSE(m.has("Subject"));
  }
  EXPECT_THAT(went, ::testing::UnorderedElementsAre("sip:one@192.0.2.11 192.0.2.11:5060",
                                                    "sip:two@example.net 192.0.2.12:5060"));
  EXPECT_EQ(counted("relay"), 1);
}

TEST_F(http_route, answers_what_the_application_says) {
  says =
      R"({"action":"reply","status":486,"reason":"Out For Lunch","headers":{"X-Until":"14:00"}})";
  load_asking();
  handle(request("INVITE"));
  const auto m = take_parsed("486");
  EXPECT_EQ(m.reason(), "Out For Lunch");
  EXPECT_EQ(m.front("X-Until"), "14:00");
  EXPECT_TRUE(out.sent.empty()) << "the block is left";
  EXPECT_EQ(counted("reply"), 1);
}

TEST_F(http_route, redirects) {
  says = R"({"action":"redirect","to":["sip:one@192.0.2.11","sip:two@192.0.2.12"]})";
  load_asking();
  handle(request("INVITE"));
  EXPECT_EQ(take_parsed("302").front(sip::header_id::contact), "sip:one@192.0.2.11");
}

TEST_F(http_route, without_an_answer_to_obey_changes_nothing) {
  load_asking();
  struct fault {
    unsigned status;
    const char* says;
  };
  for (const fault& f :
       {fault{500, "{}"}, fault{404, R"({"action":"continue"})"}, fault{200, "{}"}, fault{200, ""},
        fault{200, R"({"action":"relay","to":["sip:a@192.0.2.9"],"headers":{"Via":"x"}})"}}) {
    status = f.status;
    says = f.says;
    handle(request("OPTIONS"));
    EXPECT_EQ(take_parsed("500").reason(), "Error in external logic (11/SL)") << f.says;
  }
  EXPECT_EQ(counted("failed"), 5);
  status = 204;
  says = "";
  handle(request("OPTIONS"));
  EXPECT_EQ(take("200").kind(), "200") << "no content: the script goes on";
}

TEST_F(http_route, ends_its_wait_at_the_deadline) {
  is_silent = true;
  load_asking("modparam(\"http_route\", \"deadline\", 50)\n");
  handle(request("OPTIONS"));
  EXPECT_EQ(take("500").kind(), "500");
  EXPECT_EQ(shared.metrics.value("tandem_http_route_waiting"), 0);
}

TEST_F(http_route, refuses_at_its_bound_at_once) {
  is_silent = true;
  load_asking("modparam(\"http_route\", \"max_connections\", 1)\n"
              "modparam(\"http_route\", \"max_waiting\", 1)\n");
  const auto numbered = [](const std::string& number) {
    request_parts p = request("OPTIONS");
    p.call_id = number;
    p.via += number;
    return p;
  };
  receive(numbered("1"));
  ASSERT_TRUE(shard.run_until([this] { return held.size() == 1; }));
  receive(numbered("2"));
  handle(numbered("3"));
  const auto refused = take_parsed("503");
  EXPECT_EQ(refused.reason(), "External logic is busy (11/SL)");
  EXPECT_EQ(refused.call_id(), "3");
  is_silent = false;
  held.front().respond({.status = 204, .headers = {}, .body = {}});
  ASSERT_TRUE(shard.run_until([this] { return out.sent.size() == 2; }));
  EXPECT_EQ(take_parsed("200").call_id(), "1");
  EXPECT_EQ(take_parsed("200").call_id(), "2");
}

TEST_F(http_route, of_a_failure_adds_branches) {
  says = R"({"action":"relay","to":["sip:one@192.0.2.11"]})";
  load_asking();
  handle(request("INVITE"));
  EXPECT_EQ(take("100").kind(), "100");
  const auto first = take("INVITE");
  says = R"({"action":"relay","to":["sip:two@192.0.2.12"]})";
  answer(first, 486);
  ASSERT_TRUE(shard.run_until([this] { return out.sent.size() >= 2; }));
  EXPECT_EQ(take("ACK").kind(), "ACK");
  const auto second = take("INVITE");
  EXPECT_EQ(second.to.address.to_string(), "192.0.2.12:5060");
  EXPECT_EQ(question().at("block"), "failure_route");
}

TEST_F(http_route, goes_on_over_a_reload_that_changes_its_parameters) {
  is_silent = true;
  load_asking();
  receive(request("OPTIONS"));
  ASSERT_TRUE(shard.run_until([this] { return held.size() == 1; }));
  load_asking("modparam(\"http_route\", \"max_connections\", 1)\n");
  held.front().respond({.status = 204, .headers = {}, .body = {}});
  wait_for_output();
  EXPECT_EQ(take("200").kind(), "200");
}

TEST_F(http_route, wants_a_url_that_it_can_ask) {
  static const server::script_loader loader{all()};
  const std::shared_ptr<const script::registry> names{std::shared_ptr<void>{}, &loader.names()};
  const auto found = [&](std::string_view url) {
    std::string text = "loadmodule \"http_route\"\nroute { http_route(\"";
    text.append(url).append("\"); }\n");
    return script::compile(std::make_shared<script::source>("test.cfg", text), names)
        .found.to_string();
  };
  EXPECT_THAT(found("ftp://127.0.0.1/"), HasSubstr("not an http or https URL"));
  EXPECT_THAT(found("/route"), HasSubstr("not an http or https URL"));
  EXPECT_THAT(found("http://example.com/"), HasSubstr("can read and change"));
  for (const char* good : {"http://localhost:1/", "http://127.0.0.1/x", "http://[::1]:8080/",
                           "https://example.com/route"})
    EXPECT_EQ(found(good), "") << good;
}

} // namespace
} // namespace tandem::modules::for_test

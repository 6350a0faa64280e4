// SPDX-License-Identifier: Apache-2.0
// The back-end pool against real HTTP servers, nginx with TLS among them.
#include <tandem/sip2/mediator/backend_pool.hpp>

#include <tandem/base/random.hpp>
#include <tandem/http/server.hpp>
#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/closed_port_for_test.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>
#include <tandem/process/runner.hpp>

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <set>

using namespace tandem;
using namespace tandem::sip2;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// An answer that says whose it is.
std::string said_by(const std::string& name) {
  return "{\"code\":\"12\",\"fields\":[{\"AF\":\"" + name + "\"}]}";
}
std::string who_said(const backend_reply& reply) {
  return reply ? std::string{reply->content.value(field_id{"AF"})} : reply.error().detail;
}

/// A library system: answers 200 with its name, or as the test says, and writes down the requests.
struct library {
  explicit library(io::shard& loop, std::string called = "lib")
      : name{std::move(called)}, server{loop} {
    const auto handle = [this](http::request&& r, http::responder answer) {
      seen.push_back(r);
      if (holds) {
        held.push_back(std::move(answer));
        return;
      }
      const bool is_probe = r.method == "GET" && r.query().empty();
      answer.respond({.status = status,
                      .body = status != 200 ? refusal
                              : is_probe    ? "ok"
                                            : said_by(name)});
    };
    server.route("POST", "/sip2", http::route_access::open, handle);
    server.route("GET", "/sip2", http::route_access::open, handle);
    server.route("GET", "/health", http::route_access::open,
                 [this](http::request&&, http::responder answer) {
                   ++health_asked;
                   answer.respond({.status = health});
                 });
    at = *server.listen(*socket_address::parse("127.0.0.1:0"));
  }
  [[nodiscard]] http::url url() const {
    return *http::url::parse("http://127.0.0.1:" + std::to_string(at.port) + "/sip2");
  }
  std::string name;
  unsigned status = 200;
  std::string refusal = "refused";
  unsigned health = 200;
  int health_asked = 0;
  bool holds = false;
  std::vector<http::request> seen;
  std::vector<http::responder> held;
  socket_address at;
  http::server server;
};

/// Takes connections, reads the request, and closes without a word.
struct breaker : io::connection_handler {
  explicit breaker(io::shard& loop) : connection{loop, *this} {
    listener =
        std::move(*io::tcp_listener::listen(loop, *socket_address::parse("127.0.0.1:0"),
                                            [this](io::unique_fd fd, const socket_address& from) {
                                              connection.accept(std::move(fd), from);
                                            }));
  }
  void on_data(std::string_view bytes) override {
    received += bytes;
    if (received.find("\r\n\r\n") == std::string::npos) return;
    ++requests;
    received.clear();
    connection.finish();
  }
  void on_closed(io::connection_end, std::string_view) override {}
  [[nodiscard]] http::url url() const {
    return *http::url::parse("http://127.0.0.1:" + std::to_string(listener->address().port) +
                             "/sip2");
  }
  int requests = 0;
  std::string received;
  io::connection connection;
  std::unique_ptr<io::tcp_listener> listener;
};

class backend_pools : public testing::Test {
 protected:
  std::unique_ptr<backend_pool> make(backend_pool_options options) {
    options.probe_interval = milliseconds{100};
    auto made = backend_pool::make(loop, std::move(options), &count);
    EXPECT_TRUE(made) << made.error();
    return std::move(*made);
  }
  static backend_request request(message_code code, std::string session = "s") {
    backend_request r;
    r.content.code = code;
    r.session = std::move(session);
    r.request_id = "id-1";
    r.client = "192.0.2.1:5000";
    r.deadline = seconds{5};
    return r;
  }
  backend_reply ask(backend_pool& pool, backend_request r) {
    std::optional<backend_reply> reply;
    pool.send(std::move(r), [&](const backend_reply& got) { reply = got; });
    EXPECT_FALSE(reply) << "answered inside send()";
    EXPECT_TRUE(loop.run_until([&] { return reply.has_value(); }));
    return reply ? std::move(*reply) : fail(backend_error{});
  }

  io::shard loop;
  observe::metrics count;
};

TEST_F(backend_pools, send_the_form_of_the_contract) {
  library ils{loop};
  auto pool = make({.urls = {ils.url()}});
  auto r = request(code::checkout, "bfeed41c3aa63952e9e3409e8f84bd4d");
  r.content = message{code::checkout, {"N", "N", "d1", "d2"}};
  r.content.add(field_id{"AA"}, "a b~");
  r.account = "desk";
  EXPECT_EQ(who_said(ask(*pool, r)), "lib");
  ASSERT_EQ(ils.seen.size(), 1U);
  const http::request& got = ils.seen[0];
  EXPECT_EQ(got.method, "POST");
  EXPECT_EQ(got.body,
            "session=bfeed41c3aa63952e9e3409e8f84bd4d&message=%7B%22code%22%3A%2211%22%2C%22"
            "fixed_fields%22%3A%5B%22N%22%2C%22N%22%2C%22d1++++++++++++++++%22%2C%22d2"
            "++++++++++++++++%22%5D%2C%22fields%22%3A%5B%7B%22AA%22%3A%22a+b~%22%7D%5D%7D");
  EXPECT_EQ(http::find_header(got.headers, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(http::find_header(got.headers, "X-Request-Id"), "id-1");
  EXPECT_EQ(http::find_header(got.headers, "Idempotency-Key"), "id-1");
  EXPECT_EQ(http::find_header(got.headers, "X-Sip2-Client"), "192.0.2.1:5000");
  EXPECT_EQ(http::find_header(got.headers, "X-Sip2-Account"), "desk");
}

TEST_F(backend_pools, fit_other_gateways) {
  library ils{loop};
  auto pool = make({.urls = {ils.url()},
                    .method = backend_method::get,
                    .session_parameter = "key",
                    .message_parameter = "param",
                    .idempotency_header = "",
                    .headers = {{"X-Extra", "y"}},
                    .token = secret{"t"}});
  EXPECT_TRUE(ask(*pool, request(code::sc_status)));
  ASSERT_EQ(ils.seen.size(), 1U);
  EXPECT_EQ(ils.seen[0].target, "/sip2?key=s&param=%7B%22code%22%3A%2299%22%2C%22fixed_fields%22%"
                                "3A%5B%22%22%2C%22%22%2C%22%22"
                                "%5D%2C%22fields%22%3A%5B%5D%7D");
  EXPECT_EQ(http::find_header(ils.seen[0].headers, "X-Extra"), "y");
  EXPECT_EQ(http::find_header(ils.seen[0].headers, "Authorization"), "Bearer t");
  EXPECT_EQ(http::find_header(ils.seen[0].headers, "Idempotency-Key"), "");
}

TEST_F(backend_pools, sessions_stick_and_new_ones_go_to_the_least_busy) {
  library a{loop, "a"};
  library b{loop, "b"};
  auto pool = make({.urls = {a.url(), b.url()}});
  std::set<std::string> used;
  for (const char* session : {"1", "2", "3", "4"}) {
    const std::string first = who_said(ask(*pool, request(code::login, session)));
    used.insert(first);
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(who_said(ask(*pool, request(code::checkout, session))), first);
  }
  EXPECT_THAT(used, ElementsAre("a", "b"));

  a.holds = true; // whoever is held there keeps a busy
  int answered = 0;
  for (int i = 0; i < 4; ++i)
    pool->send(request(code::login, "held" + std::to_string(i)),
               [&](const backend_reply&) { ++answered; });
  EXPECT_TRUE(loop.run_until(
      [&] { return !a.held.empty() && static_cast<std::size_t>(answered) + a.held.size() == 4; }));
  auto transient = request(code::checkout, "t");
  transient.is_transient = true;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(who_said(ask(*pool, transient)), "b");
}

TEST_F(backend_pools, fail_over_when_nothing_was_sent) {
  const io::closed_port_for_test nobody;
  library alive{loop};
  auto pool = make({.urls = {*http::url::parse("http://" + nobody.address().to_string() + "/sip2"),
                             alive.url()}});
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(who_said(ask(*pool, request(code::checkout, std::to_string(i)))), "lib");
  EXPECT_EQ(alive.seen.size(), 6U);
  EXPECT_FALSE(pool->states()[0].is_up);
  EXPECT_TRUE(pool->is_available());
}

TEST_F(backend_pools, never_send_twice_what_may_have_been_done) {
  breaker broken{loop};
  library alive{loop};
  auto pool = make({.urls = {broken.url()}, .failures_to_open = 100});
  const auto lost = ask(*pool, request(code::checkout));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, backend_failure::lost);
  EXPECT_EQ(broken.requests, 1);
  EXPECT_FALSE(ask(*pool, request(code::fee_paid)));
  EXPECT_EQ(broken.requests, 2);
  EXPECT_FALSE(ask(*pool, request(code::patron_information)));
  EXPECT_EQ(broken.requests, 4) << "what changes nothing is tried once more";
  auto two = make({.urls = {broken.url(), alive.url()}, .failures_to_open = 100});
  for (int i = 0; i < 4; ++i)
    EXPECT_TRUE(ask(*two, request(code::item_information, std::to_string(i))));
}

TEST_F(backend_pools, a_refusal_is_told_and_not_repeated) {
  library ils{loop};
  library other{loop, "other"};
  ils.status = 403;
  auto pool = make({.urls = {ils.url()}, .failures_to_open = 1});
  const auto refused = ask(*pool, request(code::checkout));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, backend_failure::status);
  EXPECT_EQ(refused.error().status, 403U);
  EXPECT_THAT(refused.error().detail, HasSubstr("HTTP 403"));
  EXPECT_EQ(refused.error().detail.find("refused"), std::string::npos) << "no body in the log";
  EXPECT_THAT(refused.error().body, HasSubstr("refused"));
  EXPECT_TRUE(pool->is_available()) << "it works, it only refuses";
  EXPECT_EQ(ils.seen.size(), 1U);
  ils.refusal = std::string(5'000, 'x');
  EXPECT_EQ(ask(*pool, request(code::checkout)).error().body, std::string(1'024, 'x'));
}

TEST_F(backend_pools, the_circuit_opens_and_recovers_by_itself) {
  library ils{loop};
  ils.status = 503;
  auto pool = make({.urls = {ils.url()}, .failures_to_open = 3});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(*pool, request(code::checkout)).error().status, 503U);
  EXPECT_TRUE(loop.run_until([&] { return !pool->is_available(); })) << "a probe has seen it too";
  const auto messages = [&] {
    return std::ranges::count(ils.seen, "POST", &http::request::method);
  };
  EXPECT_EQ(messages(), 3);
  const auto refused = ask(*pool, request(code::checkout));
  EXPECT_EQ(refused.error().kind, backend_failure::circuit_open);
  EXPECT_EQ(messages(), 3) << "nothing is sent to what is down, but for probes";
  EXPECT_THAT(count.to_prometheus(), HasSubstr("sip2_backend_up{backend=\"http://127.0.0.1:"));
  EXPECT_EQ(count.value("sip2_backend_up", {{"backend", pool->states()[0].url}}), 0);
  ils.status = 200;
  EXPECT_TRUE(loop.run_until([&] { return pool->is_available(); }));
  EXPECT_TRUE(ask(*pool, request(code::checkout)));
  EXPECT_EQ(pool->states()[0].failures, 3U);
}

TEST_F(backend_pools, one_that_is_restarted_is_found_again) {
  auto ils = std::make_optional<library>(loop);
  const auto url = ils->url();
  const auto at = ils->at;
  auto pool = make({.urls = {url}, .failures_to_open = 1});
  EXPECT_TRUE(ask(*pool, request(code::checkout)));
  ils.reset();
  EXPECT_FALSE(ask(*pool, request(code::checkout)));
  EXPECT_TRUE(loop.run_until([&] { return !pool->is_available(); })) << "a probe has seen it too";
  http::server again{loop};
  ASSERT_TRUE(again.listen(at));
  EXPECT_TRUE(loop.run_until([&] { return pool->is_available(); })) << "any answer will do";
}

TEST_F(backend_pools, health_checks_take_one_out_and_bring_it_back) {
  library ils{loop};
  auto pool = make({.urls = {ils.url()},
                    .failures_to_open = 2,
                    .health_path = "/health",
                    .health_interval = milliseconds{100}});
  EXPECT_TRUE(loop.run_until([&] { return ils.health_asked >= 2; }));
  EXPECT_TRUE(pool->is_available());
  ils.health = 500;
  EXPECT_TRUE(loop.run_until([&] { return !pool->is_available(); }));
  ils.health = 200;
  EXPECT_TRUE(loop.run_until([&] { return pool->is_available(); }));
}

TEST_F(backend_pools, the_deadline_holds) {
  library ils{loop};
  ils.holds = true;
  auto pool = make({.urls = {ils.url()}});
  auto r = request(code::patron_information);
  r.deadline = milliseconds{100};
  const auto late = ask(*pool, r);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, backend_failure::timed_out);
  EXPECT_EQ(ils.seen.size(), 1U);
}

TEST_F(backend_pools, requests_beyond_the_bounds_are_refused) {
  library ils{loop};
  ils.holds = true;
  auto pool = make({.urls = {ils.url()}, .most_connections = 1, .most_waiting = 1});
  std::vector<backend_failure> failures;
  for (int i = 0; i < 3; ++i)
    pool->send(request(code::checkout, std::to_string(i)), [&](const backend_reply& r) {
      if (!r) failures.push_back(r.error().kind);
    });
  EXPECT_TRUE(loop.run_until([&] { return !failures.empty(); }));
  EXPECT_THAT(failures, ElementsAre(backend_failure::overloaded));
  EXPECT_TRUE(pool->is_available());
}

TEST_F(backend_pools, reload_keeps_what_is_on_its_way) {
  library old{loop, "old"};
  library young{loop, "young"};
  old.holds = true;
  auto pool = make({.urls = {old.url()}});
  std::optional<backend_reply> reply;
  pool->send(request(code::checkout), [&](const backend_reply& r) { reply = r; });
  EXPECT_TRUE(loop.run_until([&] { return old.held.size() == 1; }));
  EXPECT_FALSE(pool->reload({}));
  ASSERT_TRUE(pool->reload({.urls = {young.url()}}));
  EXPECT_EQ(who_said(ask(*pool, request(code::checkout))), "young");
  old.held[0].respond({.body = said_by("done")});
  EXPECT_TRUE(loop.run_until([&] { return reply.has_value(); }));
  EXPECT_EQ(who_said(*reply), "done");
}

TEST_F(backend_pools, what_ends_on_a_system_that_a_reload_took_out_is_counted_under_its_name) {
  library old{loop, "old"};
  library young{loop, "young"};
  old.holds = true;
  auto pool = make({.urls = {old.url()}});
  const std::string name = pool->states()[0].url;
  int ended = 0;
  for (int i = 0; i < 2; ++i)
    pool->send(request(code::checkout), [&](const backend_reply&) { ++ended; });
  EXPECT_TRUE(loop.run_until([&] { return old.held.size() == 2; }));
  ASSERT_TRUE(pool->reload({.urls = {young.url()}}));
  old.held[0].respond({.body = said_by("done")});
  old.held[1].respond({.status = 500});
  EXPECT_TRUE(loop.run_until([&] { return ended == 2; }));
  for (const char* result : {"answered", "failed"})
    EXPECT_EQ(count.value("sip2_backend_requests_total", {{"backend", name}, {"result", result}}),
              1)
        << result;
}

TEST_F(backend_pools, broken_answers_for_one_card_do_not_open_the_circuit) {
  library ils{loop};
  auto pool = make({.urls = {ils.url()}, .answer_limit = 80, .failures_to_open = 3});
  ils.name = std::string(100, 'x'); // over the limit
  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(ask(*pool, request(code::patron_information, std::to_string(i))).error().kind,
              backend_failure::bad_answer);
  const auto is_probed = [&] {
    return std::ranges::count(ils.seen, "GET", &http::request::method) > 0;
  };
  EXPECT_TRUE(loop.run_until(is_probed));
  ils.name = "fine";
  EXPECT_EQ(who_said(ask(*pool, request(code::checkout))), "fine");
  EXPECT_TRUE(pool->is_available());
}

TEST_F(backend_pools, a_reload_keeps_health_sessions_and_one_gauge) {
  library a{loop, "a"};
  library b{loop, "b"};
  const io::closed_port_for_test nobody;
  const auto gone = *http::url::parse("http://" + nobody.address().to_string() + "/sip2");
  const backend_pool_options options{.urls = {a.url(), b.url(), gone}, .failures_to_open = 1};
  auto pool = make(options);
  std::map<std::string, std::string> where;
  for (const char* session : {"1", "2", "3", "4"})
    where[session] = who_said(ask(*pool, request(code::login, session)));
  ASSERT_FALSE(pool->states()[2].is_up);
  const auto requests = pool->states()[0].requests;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(pool->reload(options));
  EXPECT_FALSE(pool->states()[2].is_up);
  EXPECT_EQ(pool->states()[0].requests, requests);
  for (const auto& [session, name] : where)
    EXPECT_EQ(who_said(ask(*pool, request(code::checkout, session))), name);
  EXPECT_EQ(count.value("sip2_backend_up", {{"backend", pool->states()[0].url}}), 1);
  EXPECT_EQ(count.value("sip2_backend_up", {{"backend", pool->states()[2].url}}), 0);
  ASSERT_TRUE(pool->reload({.urls = {b.url()}}));
  for (const auto& [session, name] : where)
    EXPECT_EQ(who_said(ask(*pool, request(code::checkout, session))), "b");
}

TEST_F(backend_pools, work_through_nginx_with_tls_and_client_certificates) {
  library ils{loop};
  io::certificates_for_test certificates;
  // Below the range that the kernel gives ports from, so that nobody else is given it before nginx.
  std::uint16_t port = 0;
  do port = static_cast<std::uint16_t>(10000 + random_bits() % 20000);
  while (!io::tcp_listener::listen(loop, {ip_address::v4(127, 0, 0, 1), port},
                                   [](io::unique_fd, const socket_address&) {}));
  const std::string folder = certificates.folder().string();
  std::ofstream{folder + "/nginx.conf"}
      << "daemon off;\nmaster_process off;\npid " << folder
      << "/pid;\nerror_log stderr;\nevents {}\nhttp {\n"
      << "access_log off; client_body_temp_path " << folder << "/b; proxy_temp_path " << folder
      << "/p; fastcgi_temp_path " << folder << "/f; uwsgi_temp_path " << folder
      << "/u; scgi_temp_path " << folder << "/s;\n"
      << "keepalive_timeout 2; keepalive_requests 5;\n"
      << "server { listen 127.0.0.1:" << port << " ssl;\n"
      << "ssl_certificate " << folder << "/server.pem;\n"
      << "ssl_certificate_key " << folder << "/server.key;\n"
      << "ssl_client_certificate " << folder << "/ca.pem;\n"
      << "ssl_verify_client on;\n"
      << "location / { proxy_pass http://127.0.0.1:" << ils.at.port
      << "; proxy_http_version 1.1; }}}\n";
  process::spawner starter;
  process::runner runner{loop, starter};
  process::child_command nginx;
  nginx.arguments = {"/usr/sbin/nginx", "-c", folder + "/nginx.conf", "-p", folder};
  bool ended = false;
  const auto run = runner.run(nginx, {}, {.deadline = seconds{60}, .log_tag = "nginx"},
                              [&](process::run_result&&) { ended = true; });

  const auto url = *http::url::parse("https://localhost:" + std::to_string(port) + "/sip2");
  auto pool = make({.urls = {url},
                    .tls = {.ca_file = certificates / "ca.pem",
                            .certificate_file = certificates / "client.pem",
                            .key_file = certificates / "client.key"},
                    .failures_to_open = 1});
  // Until nginx listens, the circuit is open; then it recovers by itself.
  EXPECT_FALSE(ended);
  ask(*pool, request(code::sc_status));
  EXPECT_TRUE(loop.run_until([&] { return pool->is_available() || ended; }));
  for (int i = 0; i < 20; ++i) { // more than nginx takes on one connection
    const auto reply = ask(*pool, request(code::checkout));
    ASSERT_TRUE(reply) << reply.error().detail;
  }
  EXPECT_EQ(std::ranges::count(ils.seen, "POST", &http::request::method),
            20 + (std::ranges::count_if(
                     ils.seen, [](const auto& r) { return r.body.find("99") != r.body.npos; })));

  auto stranger = make({.urls = {url}, .tls = {.ca_file = certificates / "alone.pem"}});
  const auto refused = ask(*stranger, request(code::checkout));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, backend_failure::unreachable);
  EXPECT_THAT(refused.error().detail, HasSubstr("certificate"));
  auto unknown = make({.urls = {url}, .tls = {.ca_file = certificates / "ca.pem"}});
  const auto no_certificate = ask(*unknown, request(code::checkout));
  ASSERT_FALSE(no_certificate);
  EXPECT_EQ(no_certificate.error().status, 400U) << no_certificate.error().detail;
  runner.cancel(run);
}

TEST(backend_config, reads_its_table_and_names_its_faults) {
  auto file = config_document::parse(
      "[backend]\nurl = ['https://a.example/x', 'http://b:8080/y']\nmethod = 'get'\n"
      "token = 't'\nca-file = '/ca'\nconnections = 5\nconnect-timeout = '1 s'\n"
      "answer-limit = '64 KiB'\nheaders = { X-A = 'b' }\nhealth-path = '/h'\n",
      "t.toml");
  backend_pool_options options;
  read_backend_options(file.root().table("backend"), options);
  EXPECT_TRUE(file.finish()) << file.explain();
  ASSERT_EQ(options.urls.size(), 2U);
  EXPECT_TRUE(options.urls[0].is_secure);
  EXPECT_EQ(options.method, backend_method::get);
  EXPECT_EQ(options.most_connections, 5U);
  EXPECT_EQ(options.headers.size(), 1U);
  EXPECT_EQ(options.answer_limit, 65536U);

  auto bad = config_document::parse("[backend]\nurl = 'ftp://x'\nconnections = 0\nhealth-path='h'\n"
                                    "probe-interval = '1 ms'\nurls = 'x'\n",
                                    "t.toml");
  read_backend_options(bad.root().table("backend"), options);
  EXPECT_FALSE(bad.finish());
  EXPECT_EQ(bad.errors().size(), 5U) << bad.explain();
  EXPECT_THAT(bad.explain(), HasSubstr("did you mean 'url'?"));
}

} // namespace

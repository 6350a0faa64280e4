// SPDX-License-Identifier: Apache-2.0
// HTTP client and server against each other and against peers that misbehave, over real sockets.
#include <tandem/http/client.hpp>
#include <tandem/http/server.hpp>

#include <tandem/io/certificates_for_test.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/raw_peer_for_test.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <unistd.h>

using namespace tandem;
using namespace tandem::http;
using testing::HasSubstr;

namespace {

/// Answers every connection as the test says: raw bytes, then perhaps the end.
class raw_server {
 public:
  explicit raw_server(io::shard& loop) : loop_{loop} {
    listener = std::move(
        *io::tcp_listener::listen(loop, *socket_address::parse("127.0.0.1:0"),
                                  [this](io::unique_fd fd, const socket_address& from) {
                                    ++connections;
                                    if (closes_at_once) return;
                                    peers_.push_back(std::make_unique<peer>(*this));
                                    peers_.back()->connection.accept(std::move(fd), from, tls);
                                  }));
  }
  /// Called with what each connection has sent so far.
  std::function<void(io::connection&, std::string& received)> on_bytes;
  bool closes_at_once = false;
  io::tls_context tls;
  int connections = 0;
  std::unique_ptr<io::tcp_listener> listener;

 private:
  struct peer final : io::connection_handler {
    explicit peer(raw_server& of) : owner{of}, connection{of.loop_, *this} {}
    void on_data(std::string_view bytes) override {
      received += bytes;
      owner.on_bytes(connection, received);
    }
    void on_closed(io::connection_end, std::string_view) override {}
    raw_server& owner;
    io::connection connection;
    std::string received;
  };
  io::shard& loop_;
  std::vector<std::unique_ptr<peer>> peers_;
};

/// A plain socket that says what it is told.
struct talker final : io::connection_handler {
  talker(io::shard& loop, const socket_address& to) : connection{loop, *this} {
    connection.connect(to);
  }
  void on_data(std::string_view got) override { received += got; }
  void on_closed(io::connection_end, std::string_view) override { closed = true; }
  io::connection connection;
  std::string received;
  bool closed = false;
};

class http : public testing::Test {
 protected:
  client_options options_for(const socket_address& at, const char* scheme = "http") {
    client_options options;
    options.server = *url::parse(std::string{scheme} + "://localhost:" + std::to_string(at.port));
    return options;
  }
  /// One request to its result.
  client_result get(client& client, std::string target = "/", duration deadline = seconds{10}) {
    return send(client, {.target = std::move(target)}, deadline);
  }
  client_result send(client& client, const request& request, duration deadline = seconds{10}) {
    std::optional<client_result> result;
    client.send(request, deadline, [&](client_result&& r) { result = std::move(r); });
    EXPECT_FALSE(result) << "the handler ran inside send()";
    EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }, seconds{20}));
    return result ? std::move(*result) : fail(client_error{});
  }
  /// What a plain socket gets for these bytes until the server closes.
  std::string talk(const socket_address& at, std::string_view bytes, bool closes = true) {
    talker t{loop, at};
    t.connection.write(bytes);
    EXPECT_TRUE(loop.run_until([&] { return closes ? t.closed : t.received.ends_with("end"); }));
    return t.received;
  }

  io::shard loop;
};

TEST_F(http, a_client_that_resets_behind_its_fin_ends_while_its_answer_is_awaited) {
  tandem::http::server server{loop};
  responder kept;
  bool is_asked = false;
  server.route("GET", "/", route_access::open, [&](request&&, responder answer) {
    kept = std::move(answer);
    is_asked = true;
  });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  ASSERT_TRUE(at) << at.error();
  io::raw_peer_for_test client{*at};
  client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(loop.run_until([&] { return is_asked; }));
  client.finish();
  const auto turns = loop.turns();
  EXPECT_FALSE(loop.run_until([&] { return !kept.is_wanted(); }, milliseconds{20}))
      << "the answer can still be read";
  client.reset();
  ASSERT_TRUE(loop.run_until([&] { return server.connections() == 0; }));
  EXPECT_FALSE(loop.run_until([] { return false; }, milliseconds{20}));
  EXPECT_LT(loop.turns() - turns, 20U);
  EXPECT_FALSE(kept.is_wanted());
}

TEST_F(http, a_body_that_tls_does_not_end_is_not_whole_rfc_9112_9_8) {
  const io::certificates_for_test certificates;
  raw_server server{loop};
  server.tls = *io::tls_context::server(
      {.certificate_file = certificates / "server.pem", .key_file = certificates / "server.key"});
  bool is_cut = false;
  const auto cut = [](io::connection& on) {
    on.write("dy"); // waits, and does not leave
    on.close();
  };
  server.on_bytes = [&](io::connection& on, std::string& received) {
    if (received.find("\r\n\r\n") == std::string::npos) return;
    on.write("HTTP/1.1 200 OK\r\n\r\nthe whole bo");
    if (is_cut) return loop.post([&] { loop.post([&] { cut(on); }); }); // when that has left
    on.write("dy");
    on.finish();
  };
  auto options = options_for(server.listener->address(), "https");
  options.tls = *io::tls_context::client({.ca_file = certificates / "ca.pem"});
  tandem::http::client client{loop, options};
  const auto whole = get(client);
  ASSERT_TRUE(whole) << whole.error().detail;
  EXPECT_EQ(whole->body, "the whole body");
  is_cut = true;
  const auto half = get(client);
  ASSERT_FALSE(half) << half->body;
  EXPECT_EQ(half.error().kind, failure::lost);
  EXPECT_TRUE(half.error().was_sent);
}

TEST_F(http, a_request_that_would_not_be_the_one_that_was_meant_is_not_sent) {
  raw_server server{loop};
  tandem::http::client client{loop, options_for(server.listener->address())};
  const auto refused = send(client, {.target = "/a\r\nX: y"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, failure::bad_request);
  EXPECT_FALSE(refused.error().was_sent);
  EXPECT_EQ(server.connections, 0);
}

TEST_F(http, idle_connections_keep_nobody_out) {
  for (const bool is_one_source : {false, true}) {
    tandem::http::server server{loop,
                                {.most_connections = is_one_source ? 1000U : 20U,
                                 .most_connections_per_source = is_one_source ? 20U : 1000U}};
    server.route("GET", "/health", route_access::open,
                 [](request&&, responder answer) { answer.respond({.body = "ok"}); });
    responder kept;
    server.route("GET", "/slow", route_access::open,
                 [&](request&&, responder answer) { kept = std::move(answer); });
    const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
    ASSERT_TRUE(at) << at.error();
    talker busy{loop, *at};
    busy.connection.write("GET /slow HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(loop.run_until([&] { return kept.is_wanted(); }));
    talker asked{loop, *at};
    asked.connection.write("GET /health HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(loop.run_until([&] { return asked.received.ends_with("ok"); }));
    std::vector<std::unique_ptr<talker>> idle;
    for (int i = 0; i < 60; ++i) {
      idle.push_back(std::make_unique<talker>(loop, *at));
      if (i % 2 == 1) idle.back()->connection.write("GET /hea"); // and no more
      ASSERT_TRUE(loop.run_until(
          [&] { return idle.back()->connection.is_connected() && server.connections() <= 20; }));
    }
    ASSERT_TRUE(loop.run_until([&] { return idle.front()->closed && idle[40]->closed; }));
    EXPECT_FALSE(asked.closed) << "those that never brought a request go first";
    EXPECT_FALSE(busy.closed) << "what is being answered never goes";
    tandem::http::client client{loop, options_for(*at)};
    const auto health = get(client, "/health");
    ASSERT_TRUE(health) << health.error().detail;
    EXPECT_EQ(health->body, "ok");
    EXPECT_EQ(server.connections(), 20U);
    // Where all have asked, the one that has been idle for longest makes room.
    std::vector<std::unique_ptr<talker>> asking;
    for (int i = 0; i < 20; ++i) {
      asking.push_back(std::make_unique<talker>(loop, *at));
      asking.back()->connection.write("GET /health HTTP/1.1\r\n\r\n");
      ASSERT_TRUE(loop.run_until([&] { return asking.back()->received.ends_with("ok"); }));
    }
    ASSERT_TRUE(loop.run_until([&] { return asked.closed; }));
    EXPECT_FALSE(busy.closed);
  }
}

TEST_F(http, a_connection_that_brings_no_request_is_closed_in_time) {
  tandem::http::server server{loop, {.request_deadline = milliseconds{50}}};
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  ASSERT_TRUE(at) << at.error();
  const talker silent{loop, *at};
  EXPECT_TRUE(loop.run_until([&] { return silent.closed; }));
}

TEST_F(http, routes_by_path_and_method) {
  tandem::http::server server{loop};
  const auto say = [](const std::string& text) {
    return [text](request&& r, responder answer) {
      answer.respond({.body = text + " " + std::string{r.path()}});
    };
  };
  server.route("GET", "/health", route_access::open, say("health"));
  server.route("GET", "/files/", route_access::open, say("files"));
  server.route("GET", "/files/special", route_access::open, say("special"));
  server.route("POST", "/files/special", route_access::open, say("posted"));
  server.route("GET", "/lost", route_access::open, [](request&&, responder) {});
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  ASSERT_TRUE(at) << at.error();
  tandem::http::client client{loop, options_for(*at)};
  EXPECT_EQ(get(client, "/health?x=y")->body, "health /health");
  EXPECT_EQ(get(client, "/files/a/b")->body, "files /files/a/b");
  EXPECT_EQ(get(client, "/files/special")->body, "special /files/special");
  EXPECT_EQ(send(client, {.method = "POST", .target = "/files/special"})->body,
            "posted /files/special");
  EXPECT_EQ(get(client, "/nothing")->status, 404U);
  EXPECT_EQ(get(client, "/lost")->status, 500U);
  const auto refused = send(client, {.method = "PUT", .target = "/files/special"});
  EXPECT_EQ(refused->status, 405U);
  EXPECT_EQ(find_header(refused->headers, "Allow"), "GET, POST");
  EXPECT_EQ(client.statistics().connects, 1U) << "one connection serves them all";
}

TEST_F(http, a_token_opens_what_it_guards) {
  tandem::http::server server{loop, {.token = secret{"sesame"}}};
  server.route("GET", "/admin", route_access::token,
               [](request&&, responder answer) { answer.respond({.body = "in"}); });
  const auto at = server.listen(*socket_address::parse("[::1]:0"));
  client_options options;
  options.server = *url::parse("http://[::1]:" + std::to_string(at->port));
  tandem::http::client client{loop, options};
  const auto with = [&](const std::string& value) {
    return send(client, {.target = "/admin", .headers = {{"Authorization", value}}})->status;
  };
  EXPECT_EQ(get(client, "/admin")->status, 401U);
  EXPECT_EQ(with("Bearer sesam"), 401U);
  EXPECT_EQ(with("Bearer "), 401U);
  EXPECT_EQ(with("Basic sesame"), 401U);
  EXPECT_EQ(with("Bearer sesame"), 200U);
  EXPECT_EQ(with("bearer  sesame"), 200U);
  server.use_token({});
  EXPECT_EQ(with("Bearer sesame"), 401U);
  EXPECT_EQ(with("Bearer "), 401U);
}

TEST_F(http, handlers_may_answer_later_and_outlive_their_server) {
  auto server = std::make_optional<tandem::http::server>(loop);
  std::vector<responder> held;
  server->route("GET", "/", route_access::open,
                [&](request&&, responder answer) { held.push_back(std::move(answer)); });
  const auto at = server->listen(*socket_address::parse("127.0.0.1:0"));
  tandem::http::client client{loop, options_for(*at)};
  int done = 0;
  for (int i = 0; i < 3; ++i)
    client.send({}, seconds{10}, [&](const client_result& r) {
      EXPECT_EQ(r ? r->body : r.error().detail, "late");
      ++done;
    });
  EXPECT_TRUE(loop.run_until([&] { return held.size() == 3; }));
  EXPECT_TRUE(held[0].is_wanted());
  for (auto& answer : held) answer.respond({.body = "late"});
  EXPECT_TRUE(loop.run_until([&] { return done == 3; }));
  held.clear();
  client.send({}, seconds{10}, [](const client_result&) {});
  EXPECT_TRUE(loop.run_until([&] { return held.size() == 1; }));
  server.reset();
  EXPECT_FALSE(held[0].is_wanted());
  held.clear();
}

TEST_F(http, pipelined_requests_are_answered_in_order) {
  tandem::http::server server{loop};
  server.route("GET", "/later", route_access::open, [&](request&&, responder answer) {
    loop.post([a = std::make_shared<responder>(std::move(answer))] { a->respond({.body = "1"}); });
  });
  server.route("GET", "/now", route_access::open,
               [](request&&, responder answer) { answer.respond({.body = "end"}); });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  std::string many = "GET /later HTTP/1.1\r\n\r\n";
  for (int i = 0; i < 2000; ++i) many += "GET /now HTTP/1.1\r\n\r\n";
  many += "GET /now HTTP/1.1\r\nConnection: close\r\n\r\n";
  const std::string got = talk(*at, many);
  EXPECT_THAT(got,
              testing::StartsWith("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200"));
  std::size_t answers = 0;
  for (auto p = got.find("end"); p != std::string::npos; p = got.find("end", p + 1)) ++answers;
  EXPECT_EQ(answers, 2001U);
}

TEST_F(http, a_bad_request_gets_a_status_and_the_door) {
  tandem::http::server server{loop, {.limits = {.header = 512, .body = 100}}};
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  EXPECT_THAT(talk(*at, "nonsense\r\n\r\n"), HasSubstr("HTTP/1.1 400 "));
  EXPECT_THAT(talk(*at, "GET / HTTP/1.1\r\nX: " + std::string(1000, 'x') + "\r\n\r\n"),
              HasSubstr("HTTP/1.1 431 "));
  EXPECT_THAT(talk(*at, "POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x')),
              HasSubstr("HTTP/1.1 413 "));
  EXPECT_TRUE(loop.run_until([&] { return server.connections() == 0; }));
}

TEST_F(http, a_slow_request_is_cut_off) {
  tandem::http::server server{loop,
                              {.request_deadline = milliseconds{50}, .idle_limit = seconds{60}}};
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  EXPECT_THAT(talk(*at, "GET / HT"), HasSubstr("HTTP/1.1 408 "));
  EXPECT_EQ(talk(*at, ""), "") << "one that says nothing at all is closed";
}

TEST_F(http, expect_100_is_answered) {
  tandem::http::server server{loop};
  server.route("POST", "/", route_access::open, [](request&& r, responder answer) {
    answer.respond({.body = "got " + r.body + ", the end"});
  });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  talker t{loop, *at};
  t.connection.write("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_TRUE(loop.run_until([&] { return t.received == "HTTP/1.1 100 Continue\r\n\r\n"; }));
  t.connection.write("abc");
  EXPECT_TRUE(loop.run_until([&] { return t.received.ends_with("got abc, the end"); }));
}

TEST_F(http, stops_gracefully) {
  tandem::http::server server{loop};
  std::optional<responder> held;
  server.route("GET", "/", route_access::open,
               [&](request&&, responder answer) { held = std::move(answer); });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  tandem::http::client client{loop, options_for(*at)};
  std::optional<client_result> result;
  client.send({}, seconds{10}, [&](client_result&& r) { result = std::move(r); });
  EXPECT_TRUE(loop.run_until([&] { return held.has_value(); }));
  bool stopped = false;
  server.stop(seconds{5}, [&] { stopped = true; });
  EXPECT_FALSE(stopped) << "a request is in progress";
  tandem::http::client late{loop, options_for(*at)};
  EXPECT_EQ(get(late).error().kind, failure::unreachable);
  held->respond({.body = "last"});
  EXPECT_TRUE(loop.run_until([&] { return stopped && result; }));
  EXPECT_EQ((*result)->body, "last");
}

TEST_F(http, connections_are_bounded) {
  tandem::http::server server{loop, {.most_connections = 2}};
  server.route("GET", "/", route_access::open, [&](request&&, responder answer) {
    loop.post([a = std::make_shared<responder>(std::move(answer))] { a->respond({}); });
  });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  client_options options = options_for(*at);
  options.most_connections = 3;
  tandem::http::client client{loop, options};
  int good = 0;
  int lost = 0;
  for (int i = 0; i < 3; ++i)
    client.send({}, seconds{10}, [&](const client_result& r) { ++(r ? good : lost); });
  EXPECT_TRUE(loop.run_until([&] { return good + lost == 3; }));
  EXPECT_EQ(good, 2);
}

TEST_F(http, a_client_holds_its_bounds) {
  tandem::http::server server{loop};
  std::vector<responder> held;
  server.route("GET", "/", route_access::open,
               [&](request&&, responder answer) { held.push_back(std::move(answer)); });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  client_options options = options_for(*at);
  options.most_connections = 2;
  options.most_waiting = 3;
  tandem::http::client client{loop, options};
  int good = 0;
  int overloaded = 0;
  for (int i = 0; i < 7; ++i)
    client.send({}, seconds{10}, [&](const client_result& r) {
      if (r)
        ++good;
      else if (r.error().kind == failure::overloaded && !r.error().was_sent)
        ++overloaded;
    });
  EXPECT_EQ(client.statistics().waiting, 3U);
  EXPECT_TRUE(loop.run_until([&] { return overloaded == 2 && held.size() == 2; }));
  EXPECT_EQ(client.statistics().connections, 2U);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(loop.run_until([&] { return held.size() > static_cast<std::size_t>(i); }));
    held[static_cast<std::size_t>(i)].respond({});
  }
  EXPECT_TRUE(loop.run_until([&] { return good == 5; }));
  EXPECT_EQ(client.statistics().connects, 2U);
  EXPECT_EQ(client.statistics().in_flight, 0U);
}

TEST_F(http, what_fails_says_whether_it_was_sent) {
  raw_server server{loop};
  client_options options = options_for(server.listener->address());
  options.limits = {.header = 1000, .body = 100};
  tandem::http::client client{loop, options};
  const auto answer = [&](const std::string& bytes, bool closes, duration deadline = seconds{10}) {
    server.on_bytes = [bytes, closes](io::connection& connection, std::string& received) {
      if (!received.ends_with("\r\n\r\n")) return;
      connection.write(bytes);
      if (closes) connection.finish();
    };
    return get(client, "/", deadline);
  };
  const auto expect = [](const client_result& r, failure kind, bool was_sent) {
    ASSERT_FALSE(r) << r->body;
    EXPECT_EQ(r.error().kind, kind) << r.error().detail;
    EXPECT_EQ(r.error().was_sent, was_sent) << r.error().detail;
  };
  expect(answer("", true), failure::lost, true);
  expect(answer("HTTP/1.1 200 OK\r\nContent-Le", true), failure::lost, true);
  expect(answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true), failure::lost, true);
  expect(answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false, milliseconds{300}),
         failure::timed_out, true);
  expect(answer("", false, milliseconds{300}), failure::timed_out, true);
  expect(answer("HTTP/1.1 200 O", false, milliseconds{300}), failure::timed_out, true);
  expect(answer("941AY0AZ\r\n\r\n", false), failure::bad_response, true);
  expect(answer("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", false), failure::bad_response,
         true);
  const auto to_end = answer("HTTP/1.1 200 OK\r\n\r\nall", true);
  ASSERT_TRUE(to_end) << to_end.error().detail;
  EXPECT_EQ(to_end->body, "all");
  server.closes_at_once = true;
  server.listener->stop();
  expect(get(client), failure::unreachable, false);
}

TEST_F(http, a_response_in_single_bytes_is_read) {
  raw_server server{loop};
  tandem::http::client client{loop, options_for(server.listener->address())};
  server.on_bytes = [&](io::connection& connection, std::string& received) {
    if (!received.ends_with("\r\n\r\n")) return;
    auto rest = std::make_shared<std::string>("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow");
    auto drip = std::make_shared<std::function<void()>>();
    *drip = [&, rest, weak = std::weak_ptr{drip}] {
      connection.write(rest->substr(0, 1));
      rest->erase(0, 1);
      if (auto again = weak.lock(); again && !rest->empty()) loop.post([again] { (*again)(); });
    };
    (*drip)();
    loop.post([drip] { (*drip)(); });
  };
  EXPECT_EQ(get(client)->body, "slow");
}

TEST_F(http, a_connection_the_server_closed_meanwhile_is_not_used) {
  raw_server server{loop};
  tandem::http::client client{loop, options_for(server.listener->address())};
  server.on_bytes = [&](io::connection& connection, std::string& received) {
    if (!received.ends_with("\r\n\r\n")) return;
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    connection.finish(); // says nothing about it
  };
  EXPECT_TRUE(get(client));
  EXPECT_TRUE(loop.run_until([&] { return client.statistics().connections == 0; }));
  EXPECT_TRUE(get(client));
  EXPECT_EQ(server.connections, 2);
}

TEST_F(http, an_answer_nobody_asked_for_closes_the_connection) {
  raw_server server{loop};
  tandem::http::client client{loop, options_for(server.listener->address())};
  server.on_bytes = [&](io::connection& connection, std::string& received) {
    if (!received.ends_with("\r\n\r\n")) return;
    received.clear();
    connection.write(
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: "
        "1\r\n\r\nb");
  };
  EXPECT_EQ(get(client)->body, "a");
  EXPECT_EQ(get(client)->body, "a") << "never the answer to another request";
}

TEST_F(http, a_promised_idle_time_is_kept) {
  raw_server server{loop};
  tandem::http::client client{loop, options_for(server.listener->address())};
  server.on_bytes = [&](io::connection& connection, std::string& received) {
    if (!received.ends_with("\r\n\r\n")) return;
    received.clear();
    connection.write(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: timeout=1, max=9\r\n\r\n");
  };
  EXPECT_TRUE(get(client));
  EXPECT_EQ(client.statistics().connections, 0U);
}

TEST_F(http, cancelled_requests_tell_nobody) {
  raw_server server{loop};
  client_options options = options_for(server.listener->address());
  options.most_connections = 1;
  tandem::http::client client{loop, options};
  server.on_bytes = [](io::connection&, std::string&) {};
  const auto never = [](const client_result&) { FAIL(); };
  const auto sent = client.send({}, milliseconds{100}, never);
  const auto waits = client.send({}, milliseconds{100}, never);
  EXPECT_TRUE(loop.run_until([&] { return server.connections == 1; }));
  client.cancel(waits);
  client.cancel(sent);
  client.cancel(sent);
  EXPECT_EQ(client.statistics().in_flight, 0U);
  loop.run_until([] { return false; }, milliseconds{150});
}

TEST_F(http, a_handler_may_end_the_client) {
  tandem::http::server server{loop};
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  auto client = std::make_optional<tandem::http::client>(loop, options_for(*at));
  bool done = false;
  client->send({}, seconds{10}, [&](const client_result&) {
    client.reset();
    done = true;
  });
  EXPECT_TRUE(loop.run_until([&] { return done; }));
}

TEST_F(http, names_are_resolved_and_addresses_tried_in_turn) {
  tandem::http::server server{loop};
  server.route("GET", "/", route_access::open, [](request&& r, responder answer) {
    answer.respond({.body = std::string{find_header(r.headers, "Host")}});
  });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  client_options options = options_for(*at);
  const std::string hosts = testing::TempDir() + "/tandem-hosts-" + std::to_string(::getpid());
  std::ofstream{hosts} << "127.0.0.9 ils.example\n127.0.0.1 ils.example\n";
  names::resolver names{loop,
                        {.servers = {*socket_address::parse("127.0.0.1:1")},
                         .timeout = milliseconds{50},
                         .tries = 1,
                         .hosts_path = hosts}};
  options.server.host = "ils.example";
  options.names = &names;
  tandem::http::client client{loop, options};
  EXPECT_EQ(get(client)->body, "ils.example:" + std::to_string(at->port));
  options.server.host = "nowhere.example";
  tandem::http::client lost{loop, options};
  const auto refused = get(lost);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, failure::unreachable);
  EXPECT_THAT(refused.error().detail, HasSubstr("http://nowhere.example:"));
  options.names = nullptr;
  tandem::http::client none{loop, options};
  EXPECT_EQ(get(none).error().kind, failure::unreachable);
  ::unlink(hosts.c_str());
}

TEST_F(http, runs_over_tls_with_renewed_certificates) {
  io::certificates_for_test certificates;
  const auto tls = [&] {
    return *io::tls_context::server({.certificate_file = certificates / "server.pem",
                                     .key_file = certificates / "server.key",
                                     .client_ca_file = certificates / "ca.pem"});
  };
  tandem::http::server server{loop, {.tls = tls()}};
  server.route("GET", "/", route_access::open,
               [](request&&, responder answer) { answer.respond({.body = "safe"}); });
  const auto at = server.listen(*socket_address::parse("127.0.0.1:0"));
  client_options options = options_for(*at, "https");
  {
    tandem::http::client plain{loop, options};
    EXPECT_THAT(get(plain).error().detail, HasSubstr("needs a TLS context"));
  }
  options.tls = *io::tls_context::client({.ca_file = certificates / "ca.pem",
                                          .certificate_file = certificates / "client.pem",
                                          .key_file = certificates / "client.key"});
  tandem::http::client client{loop, options};
  EXPECT_EQ(get(client)->body, "safe");
  certificates.renew_server();
  server.use_tls(tls());
  EXPECT_EQ(get(client)->body, "safe") << "the old connection goes on";
  tandem::http::client fresh{loop, options};
  EXPECT_EQ(get(fresh)->body, "safe");
  options.tls = *io::tls_context::client({.ca_file = certificates / "alone.pem"});
  tandem::http::client stranger{loop, options};
  const auto refused = get(stranger);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, failure::unreachable);
  EXPECT_FALSE(refused.error().was_sent);
  EXPECT_THAT(refused.error().detail, HasSubstr("give the file of the authority"));
}

} // namespace

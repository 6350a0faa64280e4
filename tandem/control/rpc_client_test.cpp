// SPDX-License-Identifier: Apache-2.0
// The client of commands against a server and a name server that run in a thread of their own.
#include <tandem/control/rpc_client.hpp>

#include <tandem/http/server.hpp>
#include <tandem/names/name_server_for_test.hpp>

#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace tandem::control {
namespace {

/// Answers each command with the Host that it was asked for.
class program {
 public:
  program() {
    server_.route("POST", "/rpc", http::route_access::open,
                  [](http::request&& request, http::responder answer) {
                    std::string host;
                    for (const auto& [name, value] : request.headers)
                      if (name == "Host") host = value;
                    answer.respond(
                        {.headers = {{"Content-Type", "application/json"}},
                         .body = R"({"jsonrpc":"2.0","id":1,"result":")" + host + "\"}"});
                  });
    const auto at = server_.listen(*socket_address::parse("127.0.0.1:0"));
    EXPECT_TRUE(at);
    port = at ? at->port : std::uint16_t{0};
    names_.table["ils.two.example"] = {{"127.0.0.1"}};
    name_server = names_.socket->local();
    thread_ = std::thread{[this] { loop_.run(); }};
  }
  ~program() {
    loop_.stop();
    thread_.join();
  }

  std::uint16_t port = 0;
  socket_address name_server;

 private:
  io::shard loop_;
  http::server server_{loop_};
  names::for_test::name_server names_{loop_};
  std::thread thread_;
};

result<boost::json::value, rpc_failure> ask(const program& of, const names::search_list& search) {
  auto made = rpc_client::make({.url = "http://ils:" + std::to_string(of.port),
                                .search = search,
                                .names = {.servers = {of.name_server}, .hosts_path = ""}});
  EXPECT_TRUE(made);
  return made->ask("status", {});
}

TEST(rpc_client, a_short_name_is_searched_in_the_domains_and_asked_for_as_it_is_written) {
  const program running;
  const auto answer = ask(running, {.domains = {"one.example", "two.example"}});
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->as_string(), "ils:" + std::to_string(running.port));
}

TEST(rpc_client, a_name_that_no_domain_has_cannot_be_connected_to) {
  const program running;
  const auto answer = ask(running, {.domains = {"one.example"}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().what, rpc_failure::kind::cannot_connect);
}

} // namespace
} // namespace tandem::control

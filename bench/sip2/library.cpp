// SPDX-License-Identifier: Apache-2.0
// The cheapest back-end there can be: one prepared answer for each message, over HTTP, and the same
// answers over SIP2 itself, for terminals without a mediator. Prints both ports.
#include <tandem/http/server.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <iostream>
#include <memory>
#include <string>
#include <string_view>

namespace {

/// A terminal that is answered without a thought: how long the load itself takes.
class bare_terminal final : tandem::io::connection_handler {
 public:
  bare_terminal(tandem::io::shard& loop, tandem::io::unique_fd fd,
                const tandem::socket_address& peer)
      : connection_{loop, *this} {
    connection_.accept(std::move(fd), peer);
  }

 private:
  void on_data(std::string_view bytes) override {
    using namespace std::string_view_literals;
    connection_.write(bytes.starts_with("93")
                          ? "941\r"sv
                          : "1803010120261120    153457AB31000001|AJA Garden of "
                            "Small Rules|CK001|AQMAIN|\r"sv);
  }
  void on_closed(tandem::io::connection_end, std::string_view) override { delete this; }

  tandem::io::connection connection_;
};

} // namespace

int main() {
  using namespace tandem;
  io::shard loop;
  http::server server{loop, {.most_connections = 10000}};
  const auto reply = [](std::string body) {
    http::response r;
    r.headers = {{"Content-Type", "application/json"}};
    r.body = std::move(body);
    return r;
  };
  server.route(
      "POST", "/sip2-mediator", http::route_access::open,
      [&reply](http::request&& request, http::responder answer) {
        const auto has = [&request](std::string_view code) {
          return request.body.find("%22code%22%3A%22" + std::string{code}) != std::string::npos;
        };
        if (has("17"))
          answer.respond(reply(
              R"({"code":"18","fixed_fields":["03","01","01","20261120    153457"],"fields":[{"AB":"31000001"},{"AJ":"A Garden of Small Rules"},{"CK":"001"},{"AQ":"MAIN"}]})"));
        else if (has("93"))
          answer.respond(reply(R"({"code":"94","fixed_fields":["1"]})"));
        else
          answer.respond(reply(R"({"code":"XT"})"));
      });
  const auto at = server.listen({ip_address::v4(127, 0, 0, 1), 0, 0});
  if (!at) return std::cerr << at.error() << '\n', 1;
  const auto bare = io::tcp_listener::listen(loop, {ip_address::v4(127, 0, 0, 1), 0, 0},
                                             [&loop](io::unique_fd fd, const socket_address& peer) {
                                               new bare_terminal{loop, std::move(fd), peer};
                                             });
  if (!bare) return std::cerr << bare.error() << '\n', 1;
  std::cout << at->port << ' ' << (*bare)->address().port << std::endl;
  loop.run();
}

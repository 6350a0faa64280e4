// SPDX-License-Identifier: Apache-2.0
// The cheapest back-end there can be: one prepared answer for each message. What is measured beside
// it is the mediator.
#include <tandem/io/http_server.hpp>

#include <iostream>
#include <string>

int main() {
  using namespace tandem;
  io::shard home;
  io::http_server server{home, {.most_connections = 10000}};
  const auto reply = [](std::string body) {
    io::http_response r;
    r.headers = {{"Content-Type", "application/json"}};
    r.body = std::move(body);
    return r;
  };
  server.route(
      "POST", "/sip2-mediator", io::http_access::open,
      [&reply](io::http_request&& request, io::http_responder answer) {
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
  std::cout << at->port << std::endl;
  home.run();
}

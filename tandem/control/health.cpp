// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/health.hpp>

#include <utility>

namespace tandem::control {

void serve_health(http::server& server, const observe::metrics& counted,
                  std::function<std::string()> why_not_ready) {
  server.route("GET", "/health", http::route_access::open,
               [](http::request&&, http::responder answer) {
                 answer.respond(http::text_response(200, "ok"));
               });
  server.route("GET", "/ready", http::route_access::open,
               [why_not_ready = std::move(why_not_ready)](http::request&&, http::responder answer) {
                 const std::string reason = why_not_ready();
                 answer.respond(reason.empty() ? http::text_response(200, "ready")
                                               : http::text_response(503, reason));
               });
  server.route("GET", "/metrics", http::route_access::open,
               [&counted](http::request&&, http::responder answer) {
                 answer.respond(
                     {.headers = {{"Content-Type", std::string{observe::prometheus_content_type}}},
                      .body = counted.to_prometheus()});
               });
}

} // namespace tandem::control

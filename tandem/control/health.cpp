// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/health.hpp>

#include <utility>

namespace tandem::control {

void serve_health(io::http_server& server, const observe::metrics& counted,
                  std::function<std::string()> why_not_ready) {
  server.route("GET", "/health", io::http_access::open,
               [](io::http_request&&, io::http_responder answer) {
                 answer.respond(io::text_response(200, "ok"));
               });
  server.route(
      "GET", "/ready", io::http_access::open,
      [why_not_ready = std::move(why_not_ready)](io::http_request&&, io::http_responder answer) {
        const std::string reason = why_not_ready();
        answer.respond(reason.empty() ? io::text_response(200, "ready")
                                      : io::text_response(503, reason));
      });
  server.route("GET", "/metrics", io::http_access::open,
               [&counted](io::http_request&&, io::http_responder answer) {
                 answer.respond(
                     {.headers = {{"Content-Type", std::string{observe::prometheus_content_type}}},
                      .body = counted.to_prometheus()});
               });
}

} // namespace tandem::control

// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/health.hpp>

#include <memory>
#include <utility>

namespace tandem::control {

void serve_health(http::server& server, health_source of) {
  server.route("GET", "/health", http::route_access::open,
               [](http::request&&, http::responder answer) {
                 answer.respond(http::text_response(200, "ok"));
               });
  server.route("GET", "/ready", http::route_access::open,
               [why_not_ready = std::move(of.why_not_ready),
                remark = std::move(of.remark)](http::request&&, http::responder answer) {
                 const std::string reason = why_not_ready();
                 if (!reason.empty()) return answer.respond(http::text_response(503, reason));
                 const std::string more = remark ? remark() : std::string{};
                 answer.respond(
                     http::text_response(200, more.empty() ? "ready" : "ready; " + more));
               });
  server.route("GET", "/metrics", http::route_access::open,
               [&counted = of.counted, refresh = std::move(of.refresh)](http::request&&,
                                                                        http::responder answer) {
                 const auto later = std::make_shared<http::responder>(std::move(answer));
                 const auto tell = [&counted, later] {
                   later->respond({.headers = {{"Content-Type",
                                                std::string{observe::prometheus_content_type}}},
                                   .body = counted.to_prometheus()});
                 };
                 if (refresh)
                   refresh(tell);
                 else
                   tell();
               });
}

} // namespace tandem::control

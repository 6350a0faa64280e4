// SPDX-License-Identifier: Apache-2.0
// What load balancers and Prometheus ask a program for. The thread of the server.
#pragma once

#include <tandem/http/server.hpp>
#include <tandem/observe/metrics.hpp>

#include <functional>
#include <string>

namespace tandem::control {

/// Serves GET /health (200 as long as the loop runs), /ready (200, or 503 with the reason) and
/// /metrics (Prometheus text 0.0.4), open to anybody who reaches the server.
/// \param why_not_ready empty when the program takes work; asked on the server's thread.
void serve_health(http::server& server, const observe::metrics& counted,
                  std::function<std::string()> why_not_ready);

} // namespace tandem::control

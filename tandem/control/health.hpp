// SPDX-License-Identifier: Apache-2.0
// What load balancers and Prometheus ask a program for. The thread of the server.
#pragma once

#include <tandem/http/server.hpp>
#include <tandem/observe/metrics.hpp>

#include <functional>
#include <string>

namespace tandem::control {

struct health_source {
  const observe::metrics& counted; ///< outlives the server
  /// Empty when the program takes work.
  std::function<std::string()> why_not_ready;
  /// Brings cells up to date that are written only when somebody looks, then calls back, on the
  /// thread of the server. None: there are no such cells.
  std::function<void(std::function<void()> then)> refresh = {};
  /// What an operator should know though the program takes work; empty for nothing. None: never.
  std::function<std::string()> remark = {};
};

/// Serves GET /health (200 as long as the loop runs), /ready (200, or 503 with the reason) and
/// /metrics (Prometheus text 0.0.4), open to anybody who reaches the server.
void serve_health(http::server& server, health_source of);

} // namespace tandem::control

// SPDX-License-Identifier: Apache-2.0
// The HTTP port of the server, for operators and monitoring: JSON-RPC at /rpc, /metrics, /health
// and /ready. On shard 0.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/control/health.hpp>
#include <tandem/control/role.hpp>
#include <tandem/http/server.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/observe/metrics.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace tandem::server {

/// Reads the file of http_tokens (control::access_tokens). Blocks. Throws start_error with the
/// cause; a file that other users may read is one.
[[nodiscard]] control::access_tokens read_tokens(const std::string& path);

class http_door {
 public:
  /// Opens the port. Throws start_error when it cannot. All that is given outlives it.
  http_door(io::shard& loop, const socket_address& at, control::command_registry& commands,
            control::access_tokens tokens, control::health_source health);

  /// Other tokens, from the next request on.
  void use(control::access_tokens tokens) { tokens_ = std::move(tokens); }

 private:
  control::access_tokens tokens_;
  http::server server_;
};

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// Logs in to the SIP2 servers of a configuration and tells what they answer, for `--check`. It has
// a loop of its own and waits; not for a running mediator.
#pragma once

#include <tandem/sip2/mediator/backend_pool.hpp>

#include <string>
#include <vector>

namespace tandem::sip2 {

struct upstream_finding {
  std::string server;
  bool is_reached = false; ///< it was connected to, and took the login of the mediator, if any
  std::vector<std::string> lines; ///< what it answers, where it leaves the standard, or why not
};

/// One for each sip2 and sip2s URL; none without.
[[nodiscard]] std::vector<upstream_finding> check_upstreams(const backend_pool_options& options);

} // namespace tandem::sip2

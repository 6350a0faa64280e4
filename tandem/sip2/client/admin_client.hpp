// SPDX-License-Identifier: Apache-2.0
// What `sip2-client admin` does: asks a running mediator over JSON-RPC and prints the answer.
// Waits; one thread.
#pragma once

#include <tandem/base/secret.hpp>

#include <iosfwd>
#include <string>
#include <vector>

namespace tandem::sip2 {

struct admin_call {
  std::string url = "http://127.0.0.1:6080"; ///< of the mediator's HTTP port
  secret token;
  std::string ca_file; ///< PEM, for https; empty: the system's
  std::string command; ///< list, kick, trace, reload, drain, status, or a method of the registry
  std::vector<std::string> arguments; ///< NAME=VALUE, or the id of a terminal
  bool is_json = false;               ///< print the result as it came
};

/// Runs it. \return the exit status: 0 done, 1 wrong usage, 2 cannot connect, 3 token refused, 4 no
/// usable answer, 5 the mediator says no.
[[nodiscard]] int run_admin_call(const admin_call& call, std::ostream& out, std::ostream& err);

} // namespace tandem::sip2

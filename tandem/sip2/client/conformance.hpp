// SPDX-License-Identifier: Apache-2.0
// Whether a SIP2 server keeps to the protocol: for who writes a back-end or tries a server. It asks
// only what changes nothing. A thread that may wait.
#pragma once

#include <tandem/sip2/client/scenario.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

/// What is wrong with the form of an answer: fixed fields that are short or hold what their kind
/// does not know, required fields that are missing, a line that is not displayable.
/// \param line as it came, without terminator.
[[nodiscard]] std::vector<std::string> find_form_faults(const message& m, std::string_view line);

struct self_check {
  enum class outcome { good, bad, skipped };
  std::string name;
  outcome how = outcome::good;
  std::string why; ///< of what is bad or skipped
};

/// Logs in as the scenario says and tries what a terminal relies on. Patron and item are asked for
/// when the scenario names them.
[[nodiscard]] std::vector<self_check> run_self_test(const scenario& s);

} // namespace tandem::sip2

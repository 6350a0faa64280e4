// SPDX-License-Identifier: Apache-2.0
// Whether a SIP2 server keeps to the protocol: for who writes a back-end or tries a server. It asks
// only what changes nothing. A thread that may wait.
#pragma once

#include <tandem/sip2/client/scenario.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

struct self_check {
  enum class outcome { good, bad, skipped };
  std::string name;
  outcome how = outcome::good;
  std::string why; ///< of what is bad or skipped
};

/// Whether what a server does may change something in the library.
enum class test_changes : std::uint8_t {
  none,   ///< it is only asked
  allowed ///< the item is lent to the patron, renewed, and taken back
};

/// What is known about a server after a conformance test.
struct conformance_report {
  std::string server;  ///< host:port
  std::string version; ///< of its protocol, as it says; empty: it says nothing
  std::vector<std::string_view> supported;
  std::vector<std::string_view> unsupported;
  std::vector<self_check> checks;
  [[nodiscard]] bool is_good() const;
};

/// The self-test and more: ends of lines, messages in pieces, unknown fields, protocol 1.00, a 99
/// before the login. Without a user it does not log in.
[[nodiscard]] conformance_report run_conformance(const scenario& s, test_changes changes);

/// The report as lines of text, or as one JSON object.
void print_conformance(const conformance_report& report, bool is_json, std::ostream& out);

/// Logs in as the scenario says and tries what a terminal relies on. Patron and item are asked for
/// when the scenario names them.
[[nodiscard]] std::vector<self_check> run_self_test(const scenario& s);

} // namespace tandem::sip2

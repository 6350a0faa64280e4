// SPDX-License-Identifier: Apache-2.0
// Exchanges as sip2-client prints them: in the form of the original, or in one that programs read.
// One thread at a time.
#pragma once

#include <tandem/sip2/client/conformance.hpp>
#include <tandem/sip2/client/scenario.hpp>

#include <cstdint>
#include <iosfwd>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

enum class print_form : std::uint8_t {
  plain,   ///< the lines, as the original printed them
  pretty,  ///< a line for each field, with its name and what its value means
  summary, ///< + for what is sent, - for what is received
  json,    ///< an object for each exchange
  raw,     ///< the lines alone, > sent and < received: what --replay reads
  silent,  ///< nothing but faults
};

class printer {
 public:
  /// \param out,err outlive the printer; faults go to err.
  printer(print_form form, std::ostream& out, std::ostream& err)
      : form_{form}, out_{out}, err_{err} {}

  /// For run(): they call the printer, which must stay where it is.
  [[nodiscard]] run_events events();

  void sent(const message& m, std::string_view line);
  void received(const exchange& e);
  /// A run is over. \param replayed messages of a recording that were asked again.
  void finished(const run_result& r, std::size_t replayed);
  /// Rate and percentiles; sorts the times.
  void latency(run_result& r);

 private:
  /// Programs read nothing but exchanges from `out` in these.
  [[nodiscard]] bool is_for_programs() const noexcept {
    return form_ == print_form::json || form_ == print_form::raw;
  }

  print_form form_;
  std::ostream& out_;
  std::ostream& err_;
};

/// A line for each thing that a self-test has tried, and how many were bad.
void print_self_test(const std::vector<self_check>& checks, std::ostream& out);

} // namespace tandem::sip2

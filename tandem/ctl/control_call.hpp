// SPDX-License-Identifier: Apache-2.0
// What `tandemctl` does with the words of its command line: asks a running program and prints the
// answer. Waits; one thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/ctl/catalog.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace tandem::ctl {

enum class output_form : std::uint8_t { table, json };

struct control_call {
  std::vector<std::string> words; ///< a command and its arguments; see tandemctl --help
  output_form form = output_form::table;
  bool clears_screen = false; ///< `watch` writes to a terminal
};

/// Runs it. \return the exit status: 0, or control::exit_status_of what went wrong.
[[nodiscard]] int run(const asker& ask, const control_call& call, std::ostream& out,
                      std::ostream& err);

} // namespace tandem::ctl

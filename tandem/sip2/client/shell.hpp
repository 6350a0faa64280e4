// SPDX-License-Identifier: Apache-2.0
// The interactive mode of sip2-client: lines that people type become messages. One thread, which
// waits for answers.
#pragma once

#include <tandem/sip2/client/printer.hpp>
#include <tandem/sip2/client/scenario.hpp>

#include <iosfwd>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What a line means. `checkout item=31000001` sends a message, with values that stay until they
/// change; `set patron=...` only changes them; `raw 9909992.00` sends a line as it is.
class shell {
 public:
  /// \param s the values to begin with.
  explicit shell(scenario s) : s_{std::move(s)} {}

  struct step {
    enum class action {
      none,
      say,     ///< `text` is for the screen
      ask,     ///< `question` goes to the server
      ask_raw, ///< `text` goes to the server
      quit,
    };
    action what = action::none;
    std::string text = {};
    message question = {};
  };
  [[nodiscard]] step on_line(std::string_view line);

 private:
  scenario s_;
};

/// Connects, logs in, and takes lines until `quit` or the end of `in`.
/// \param print shows the answers.
[[nodiscard]] run_end run_shell(const scenario& s, printer& print, std::istream& in,
                                std::ostream& out, std::ostream& err);

} // namespace tandem::sip2

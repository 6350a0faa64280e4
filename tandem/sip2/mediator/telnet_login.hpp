// SPDX-License-Identifier: Apache-2.0
// The login of a telnet session as a sans-I/O machine: two prompts in words become a login message
// (93), its answer becomes words again (3M SIP 2.00, "Telnet"). A value of one thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

class telnet_login {
 public:
  static constexpr std::string_view name_prompt = "login: ";
  static constexpr std::string_view password_prompt = "password: ";
  static constexpr unsigned most_tries = 3;

  /// A line that the terminal has sent, as UTF-8.
  /// \return the 93 to be judged; nothing: it was the name, and the password is to be asked for.
  [[nodiscard]] std::optional<message> on_line(std::string text);

  enum class outcome : std::uint8_t {
    accepted,     ///< the session goes on with SIP2
    again,        ///< the name is awaited once more
    out_of_tries, ///< the connection is to be closed
  };
  struct reply {
    outcome what;
    std::string_view text; ///< for the terminal; static
  };
  /// The 94 that answers the 93 of the last on_line().
  [[nodiscard]] reply on_answer(const message& answer);

 private:
  std::optional<std::string> name_; ///< none: it is awaited
  unsigned tries_ = 0;
};

} // namespace tandem::sip2

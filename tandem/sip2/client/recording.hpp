// SPDX-License-Identifier: Apache-2.0
// Conversations that were recorded, to be held again with another server: lines of `sip2-client
// --raw`, of an admin trace, or of a mediator's log, the original SIP2Mediator's too. Pure but for
// the clock, any thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>
#include <tandem/sip2/protocol/wire_format.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

/// A question of a terminal, and its answer if that was recorded, too.
struct recorded {
  message question;
  std::optional<message> answer;
};

/// The questions in their order. An answer belongs to the last question of the same terminal; what
/// is no line of a conversation is passed over, and so are logins, 97 and 96.
/// \param format of lines that --raw wrote; those of logs are UTF-8.
[[nodiscard]] std::vector<recorded> read_recording(std::string_view text,
                                                   const wire_format& format);

/// The question as it can be asked now: with the present date as its transaction date; passwords
/// that a log hides are those given, or left out where none is.
[[nodiscard]] message ask_again(message question, std::string_view terminal_password,
                                std::string_view patron_password);

/// What is not the same, a line each; dates of the answer's fixed fields are expected to differ.
[[nodiscard]] std::vector<std::string> find_differences(const message& then, const message& now);

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
// What terminals and the door share: what a back-end sends becomes the answer to a request, or its
// refusal. Pure but for the counters, any thread.
#pragma once

#include <tandem/sip2/mediator/backend.hpp>
#include <tandem/sip2/mediator/profile.hpp>
#include <tandem/sip2/mediator/terminal_counters.hpp>

#include <string>
#include <string_view>

namespace tandem::sip2 {

/// A back-end's answer as the other side may get it, or why it may not.
struct relay_answer {
  message content;
  std::string_view fault;  ///< empty: it is usable. Static text
  std::string_view remark; ///< what was odd and is usable all the same; empty: nothing
};

/// Takes what a back-end said for the message that answers `request`, whole, with the profile's
/// changes made.
/// \param date the 18 characters of now.
[[nodiscard]] relay_answer take_relay_answer(const message& request, const backend_answer& said,
                                             const profile& p, std::string_view date);

/// The well-formed no to a request, with the profile's changes made.
[[nodiscard]] message refuse_relay(const message& request, const profile& p, std::string_view text,
                                   std::string_view date);

/// What the screen says when the back-end failed so over a message.
[[nodiscard]] std::string_view screen_text(message_code failed, const backend_error& error,
                                           const profile& p) noexcept;

/// How the log says it: what failed, why, and whether it may have been executed all the same.
[[nodiscard]] std::string explain_failure(message_code failed, const backend_error& error);

/// Counts a request that the back-end gave no answer to.
void count_failure(terminal_counters& counters, const backend_error& error) noexcept;

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
// Answers that need no library system: SIP2 has no message for errors, so each request has an
// answer that says no in its own way. Pure, any thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>

#include <string_view>

namespace tandem::sip2 {

/// The answer that refuses `request`: what a terminal gets when the back-end cannot be asked.
/// \param date the 18 characters of now.
/// \param text for the screen, left out where the answer has no field for it.
/// \return a message without a code when the request has no answer (97).
[[nodiscard]] message failure_answer(const message& request, std::string_view date,
                                     std::string_view text);

/// Fills in the date that an answer lacks at its end. False when the fixed fields are not whole
/// then: anything else that is missing makes an answer unusable.
[[nodiscard]] bool complete_fixed(message& answer, std::string_view date);

/// Adds the required fields that are missing, without a value.
void add_required(message& answer);

} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
// Where the form of an answer leaves the standard, in words: for who tries a server. Pure, any
// thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

/// What is wrong with the form of an answer: fixed fields that are short or hold what their kind
/// does not know, required fields that are missing, a line that is not displayable.
/// \param line as it came, without terminator.
[[nodiscard]] std::vector<std::string> find_form_faults(const message& m, std::string_view line);

/// The messages that stand as `is` (Y or N) in the field BX of a 98. Static texts.
[[nodiscard]] std::vector<std::string_view> read_supported(std::string_view bx, char is = 'Y');

} // namespace tandem::sip2

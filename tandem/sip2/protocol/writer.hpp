// SPDX-License-Identifier: Apache-2.0
// Writes a message as the bytes of one line. Whatever the message holds, the result is well-formed
// SIP2: fixed fields of their width, no control character, no stray delimiter. Pure, any thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>
#include <tandem/sip2/protocol/wire_format.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// The line of `m` with its terminator.
/// \param sequence of AY when error detection is on: nothing for no tail at all, empty for AZ alone
/// (96, 97, and an answer to a message that had no AY).
[[nodiscard]] std::string write_message(const message& m, const wire_format& format,
                                        std::optional<std::string_view> sequence = std::nullopt);

} // namespace tandem::sip2

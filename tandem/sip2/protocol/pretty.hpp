// SPDX-License-Identifier: Apache-2.0
// A message for the eyes of a person: a line for each field, with its name. Any thread.
#pragma once

#include <tandem/sip2/protocol/message.hpp>

#include <string>

namespace tandem::sip2 {

/// "[93] Login Request", then a line each for the fixed fields and the fields, ended by LF. Names
/// are padded to 34 columns; what a code means stands in parentheses after it. Control characters
/// are not printed.
[[nodiscard]] std::string to_pretty(const message& m);

} // namespace tandem::sip2

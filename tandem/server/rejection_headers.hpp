// SPDX-License-Identifier: Apache-2.0
// What goes with the answer to a message that the validator refused.
#pragma once

#include <tandem/sip/validate.hpp>

#include <string>

namespace tandem::server {

/// The header line that the rejection asks for, else a Warning that says what is wrong (RFC 3261
/// 20.43: 399 is free text); with its CRLF.
[[nodiscard]] std::string headers_for(const sip::rejection& owed);

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// What goes with the answer to a message that the validator refused.
#pragma once

#include <tandem/sip/response_writer.hpp>
#include <tandem/sip/validate.hpp>

namespace tandem::server {

/// Adds the header that the rejection asks for, else a Warning that says what is wrong (RFC 3261
/// 20.43: 399 is free text).
void add_header_of(const sip::rejection& owed, sip::response_writer& answer);

} // namespace tandem::server

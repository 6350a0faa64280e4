// SPDX-License-Identifier: Apache-2.0
// The 100 that stops the copies of a request (RFC 3261 16.2, 17.2.1). Any thread.
#pragma once

#include <tandem/stack/outbox.hpp>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

/// Without a To tag of ours (RFC 3261 8.2.6.1).
/// \return nothing when the request cannot be answered: a header that answers repeat is missing.
[[nodiscard]] wire_message make_trying(const sip::message& request);

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// Requests that a client transaction makes by itself, out of the bytes it sent: ACK for a failure
// (RFC 3261 17.1.1.3) and CANCEL (9.1). Pure functions, any thread.
#pragma once

#include <tandem/stack/outbox.hpp>

#include <span>
#include <string>
#include <string_view>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

/// ACK for a final response other than 2xx: Request-URI, Call-ID, From, top Via, Route and CSeq
/// number of the INVITE, To of the response. Nothing when the INVITE does not parse, which no
/// INVITE that we sent does.
[[nodiscard]] wire_message make_ack(std::string_view invite, const sip::message& failure);

/// CANCEL for a request: Request-URI, Call-ID, From, To, top Via, Route and CSeq number of it.
/// \param reasons values of its Reason headers (RFC 3326).
[[nodiscard]] wire_message make_cancel(const sip::message& request,
                                       std::span<const std::string> reasons = {});

} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// `received` and `rport`: what the receiver of a request notes in its top Via of where it came from
// (RFC 3261 18.2.1, RFC 3581 4). The caller's thread.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/message.hpp>

namespace tandem::sip {

/// Writes `;received=` with the address into the top Via, and the port into its rport parameter
/// where it has one. What the sender claims of itself there is replaced. Fails with no_such_header
/// without a Via, bad_value where its parameters cannot be read, too_large.
[[nodiscard]] result<void, edit_errc> stamp_received(message& request,
                                                     const socket_address& source);

} // namespace tandem::sip

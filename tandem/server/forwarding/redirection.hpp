// SPDX-License-Identifier: Apache-2.0
// The Contact header of a 3xx that the script sends (RFC 3261 8.3, 21.3).
#pragma once

#include <tandem/server/message_context.hpp>
#include <tandem/sip/response_writer.hpp>

namespace tandem::server {

/// Adds "Contact: uri1, uri2" to a 3xx: the Request-URI and the branches, when the script has
/// rewritten the one or added the other. Other answers stay as they are.
void add_redirection(const message_context& message, sip::response_writer& answer);

} // namespace tandem::server

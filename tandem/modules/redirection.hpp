// SPDX-License-Identifier: Apache-2.0
// The Contact header of a 3xx that the script sends (RFC 3261 8.3, 21.3).
#pragma once

#include <tandem/server/message_context.hpp>

#include <string>

namespace tandem::modules {

/// "Contact: uri1, uri2" with its CRLF, of the Request-URI and the branches, when the script has
/// rewritten the one or added the other; else empty.
[[nodiscard]] std::string contacts_for_redirection(const server::message_context& message);

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
// The key of a user in a location table (RFC 3261 10.3 step 5: canonical form of the To URI).
#pragma once

#include <tandem/modules/registrar/settings.hpp>
#include <tandem/sip/uri.hpp>

#include <string>

namespace tandem::modules {

/// "alice", or "alice@example.com" with use_domain: escapes resolved, host and (unless
/// case_sensitive) user in lower case. Empty when the URI has no user to make it of.
[[nodiscard]] std::string address_of_record(const sip::uri& uri, const registrar_settings& rules);

} // namespace tandem::modules

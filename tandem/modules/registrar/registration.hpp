// SPDX-License-Identifier: Apache-2.0
// What a registrar does with a REGISTER (RFC 3261 10.3), over a location table. All of a request
// takes effect, or nothing of it.
#pragma once

#include <tandem/modules/registrar/settings.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/storage/location.hpp>

namespace tandem::modules {

/// Registers the contacts of the message, each with the script's flags (see nat_flag).
/// \return the answer that is owed: 200 with a Contact for each that is bound now, or why nothing
///         was changed.
[[nodiscard]] sip::response_writer register_contacts(const server::message_context& message,
                                                     storage::location_table& table,
                                                     const registrar_settings& rules);

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
// save(): a REGISTER takes effect in a location table (stack/registration has the rules), and what
// changed is told. One thread.
#pragma once

#include <tandem/modules/registrar/settings.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/storage/location.hpp>

namespace tandem::modules {

enum class save_reply : std::uint8_t {
  always,
  when_refused, ///< the script answers a success itself
};

/// Registers the contacts of the message, each with the script's flags (see nat_flag), and answers:
/// where contacts are stored, when they are. Then the run waits.
/// \return yes when all that the REGISTER asked for was done; else it has its answer, and the block
/// is left
[[nodiscard]] script::outcome save(server::message_context& message, storage::location_table& table,
                                   const registrar_settings& rules, save_reply how);

} // namespace tandem::modules

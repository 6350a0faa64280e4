// SPDX-License-Identifier: Apache-2.0
// What a registrar does with a REGISTER (RFC 3261 10.3), over a location table. All of a request
// takes effect, or nothing of it.
#pragma once

#include <tandem/modules/registrar/settings.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/stack/target.hpp>
#include <tandem/storage/location.hpp>

#include <string>
#include <string_view>

namespace tandem::modules {

/// The answer that is owed.
struct registration_answer {
  int status = 200;
  std::string_view reason = "OK";
  std::string headers; ///< whole lines: Contact for each that is bound now, Warning, Min-Expires
};

/// \param flags  kept with each contact (the script's, see nat_flag)
/// \param now    the present
[[nodiscard]] registration_answer register_contacts(const sip::message& request,
                                                    const stack::arrival& from,
                                                    storage::location_table& table,
                                                    const registrar_settings& rules,
                                                    std::uint16_t flags, instant now);

} // namespace tandem::modules

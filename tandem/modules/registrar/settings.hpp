// SPDX-License-Identifier: Apache-2.0
// The parameters of module registrar in one script.
#pragma once

#include <tandem/server/module.hpp>

#include <cstdint>
#include <optional>

namespace tandem::modules {

struct registrar_settings final : server::module {
  std::uint32_t default_expires = 3600; ///< s, when a REGISTER names no time
  std::uint32_t min_expires = 0;        ///< s; a shorter wish gets 423 (RFC 3261 10.3 step 7)
  std::uint32_t max_expires = 7200;     ///< s; a longer wish is cut to it; 0: none
  std::uint16_t default_q = 0;          ///< thousandths, when a contact names no preference
  std::size_t max_contacts = 0;         ///< of one address of record; 0: the bound of the table
  bool append_branches = true;          ///< lookup finds all contacts, not only the best
  bool use_domain = false;              ///< user@domain is the key, not user alone
  bool case_sensitive = false;          ///< of the user
  std::optional<unsigned> nat_flag; ///< set for a contact behind a NAT: answered where it came from
};

} // namespace tandem::modules

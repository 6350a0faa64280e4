// SPDX-License-Identifier: Apache-2.0
// The parameters of module registrar in one script.
#pragma once

#include <tandem/server/module.hpp>
#include <tandem/stack/registration.hpp>

#include <optional>
#include <string>
#include <vector>

namespace tandem::modules {

struct registrar_settings final : server::module {
  stack::registration_rules registration;
  bool append_branches = true; ///< lookup finds all contacts, not only the best
  bool use_domain = false;     ///< user@domain is the key, not user alone
  bool case_sensitive = false; ///< of the user
  /// Set for a contact behind a NAT: answered where it came from.
  std::optional<unsigned> nat_flag = 4;

  std::vector<std::string> tables; ///< that the script names

  /// Makes the tables, and says how users are written, for commands that name one.
  void apply_to(server::core& owner) const override;
};

} // namespace tandem::modules

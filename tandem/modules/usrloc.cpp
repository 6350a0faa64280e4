// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc.hpp>

namespace tandem::modules {

namespace {

script::module_info declare() {
  using script::parameter_kind;
  script::module_info info{.name = "usrloc",
                           .help = "the location tables: who is registered where"};
  info.parameters = {
      {"db_mode", parameter_kind::integer, "0", "where contacts are kept: 0 in memory", 0, 3},
      {"timer_interval", parameter_kind::integer, "60",
       "seconds between looks for expired contacts", 1, 86'400,
       "contacts are dropped in the second in which they expire"},
      {"use_domain", parameter_kind::boolean, "0",
       "users of different domains are different; see use_domain of registrar"},
      {"db_url", parameter_kind::string, "", "database of db_mode 1 to 3", 0, 0,
       "contacts are kept in memory"},
  };
  for (const char* column : {"user_column", "domain_column", "contact_column", "expires_column",
                             "q_column", "callid_column", "cseq_column", "flags_column",
                             "replicate_column", "state_column", "method_column"})
    info.parameters.push_back({column, parameter_kind::string, "", "name of a database column", 0,
                               0, "contacts are kept in memory"});
  return info;
}

/// Nothing to keep: the one parameter that matters is refused or 0.
class settings final : public server::module {};

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  if (setup.number("db_mode") != 0)
    setup.refuse("db_mode", "contacts can be kept in memory only (0) as long as there is no "
                            "database support; with another mode they would be lost at a restart "
                            "although the script says that they are stored");
  if (setup.is_on("use_domain"))
    setup.refuse("use_domain", "it has its effect as use_domain of registrar; here it would be "
                               "without any, and users of different domains would be one");
  return std::make_unique<settings>();
}

} // namespace

server::module_entry usrloc() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules

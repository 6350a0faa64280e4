// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/stubs.hpp>

#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>

#include <array>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace tandem::modules {

namespace {

using script::outcome;

/// A function of an absent module. It says "no": what was to admit somebody, to find or to store
/// something must not seem to have done so.
struct absent_function {
  std::string_view name;
  std::size_t least = 0, most = 0; ///< arguments
};

struct absent_module {
  std::string_view name;
  std::string_view why;                          ///< as the warning of loadmodule ends
  std::array<absent_function, 7> functions = {}; ///< to the first without a name
};

constexpr absent_module absent_modules[] = {
    {"acc",
     "calls are not accounted yet",
     {{{"acc_log_request", 1, 1},
       {"acc_db_request", 2, 2},
       {"acc_rad_request", 1, 1},
       {"acc_diam_request", 1, 1}}}},
    {"auth_radius",
     "there is no authentication by RADIUS: nobody is let in",
     {{{"radius_www_authorize", 1, 1}, {"radius_proxy_authorize", 1, 1}}}},
    {"auth_diameter",
     "there is no authentication by Diameter: nobody is let in",
     {{{"diameter_www_authorize", 1, 1},
       {"diameter_proxy_authorize", 1, 1},
       {"diameter_is_user_in", 2, 2}}}},
    {"group", "there are no groups yet: nobody is in one", {{{"is_user_in", 2, 2}}}},
    {"group_radius", "there are no groups yet: nobody is in one", {{{"radius_is_user_in", 2, 2}}}},
    {"uri_radius",
     "there is no authentication by RADIUS: no user is verified",
     {{{"radius_does_uri_exist"}}}},
    {"mysql", "there is no database yet"},
    {"postgres", "there is no database yet"},
    {"dbtext", "there is no database yet"},
    {"msilo", "messages are not stored yet", {{{"m_store", 1, 2}, {"m_dump", 0, 1}}}},
    {"snmp", "there is no SNMP agent"},
    {"enum", "numbers are not looked up yet", {{{"enum_query", 0, 2}, {"is_from_user_e164"}}}},
    {"pike",
     "the server bounds what a source may send by itself (docs/server.md)",
     {{{"pike_check_req"}}}},
    {"nathelper",
     "media is not relayed yet",
     {{{"fix_nated_contact"},
       {"fix_nated_sdp", 1, 2},
       {"fix_nated_register"},
       {"force_rtp_proxy", 0, 2},
       {"unforce_rtp_proxy"},
       {"nat_uac_test", 1, 1},
       {"add_rcv_param"}}}},
    {"permissions",
     "there are no allow and deny files yet: nothing is allowed",
     {{{"allow_routing", 0, 2}, {"allow_register", 1, 2}, {"allow_refer_to", 1, 2}}}},
    {"pa",
     "there is no presence agent yet",
     {{{"handle_subscription", 1, 1}, {"existing_subscription", 1, 1}, {"pua_exists", 1, 1}}}},
    {"jabber",
     "there is no gateway to XMPP yet",
     {{{"jab_send_message"},
       {"jab_join_jconf"},
       {"jab_exit_jconf"},
       {"jab_go_online"},
       {"jab_go_offline"}}}},
    {"sms", "there is no gateway to SMS", {{{"sms_send_msg"}, {"sms_send_msg_to_net", 1, 1}}}},
    {"vm", "there is no voice mail", {{{"vm", 2, 2}}}},
    {"mangler",
     "addresses in SDP are left alone",
     {{{"sdp_mangle_ip", 2, 2},
       {"sdp_mangle_port", 1, 1},
       {"encode_contact", 2, 2},
       {"decode_contact"},
       {"decode_contact_header"}}}},
    {"extcmd", "there is no external command server", {{{"extcmd_dump_req"}}}},
    {"cpl-c",
     "there is no interpreter of CPL",
     {{{"cpl_run_script", 2, 2}, {"cpl_process_register"}, {"cpl_process_register_norpl"}}}},
};

script::function_info declare(const absent_function& f, std::string_view why) {
  script::function_info made{.name = std::string{f.name},
                             .required = f.least,
                             .blocks = script::anywhere,
                             .help = fmt::format("says no: {}", why),
                             .run = [](script::call&) { return outcome::no(); }};
  for (std::size_t i = 0; i < f.most; ++i)
    made.arguments.emplace_back("argument", script::argument_kind::text);
  return made;
}

/// An entry of the table as the language wants it. The index is a template argument since a module
/// declares itself by a plain function.
template <std::size_t index>
script::module_info declare_absent() {
  constexpr const absent_module& m = absent_modules[index];
  script::module_info made{
      .name = std::string{m.name}, .help = std::string{m.why}, .stub = std::string{m.why}};
  for (const absent_function& f : m.functions)
    if (!f.name.empty()) made.functions.push_back(declare(f, m.why));
  if (m.name == "group") made.aliases = {{"is_in_group", "is_user_in"}};
  return made;
}

} // namespace

std::vector<server::module_entry> stubs() {
  return []<std::size_t... all>(std::index_sequence<all...>) {
    return std::vector<server::module_entry>{{.declare = declare_absent<all>}...};
  }
  (std::make_index_sequence<std::size(absent_modules)>{});
}

} // namespace tandem::modules

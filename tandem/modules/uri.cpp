// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/uri.hpp>

#include <tandem/base/text.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/authenticated_user.hpp>
#include <tandem/server/core.hpp>
#include <tandem/sip/escape.hpp>
#include <tandem/sip/headers.hpp>

namespace tandem::modules {

namespace {

using script::outcome;
using server::authenticated_user;
using server::message_context;

const authenticated_user* user_of(const message_context& m) {
  const auto* const who = m.find_state<authenticated_user>();
  return who && who->is_there() ? who : nullptr;
}

/// The address is that of the account: its user, and its domain or, where that is the realm, any
/// domain of ours. Nobody is, who was not let in by a password.
outcome is_own(const message_context& m, const sip::uri& address) {
  const authenticated_user* const who = user_of(m);
  if (!who || !address.is_sip() || sip::unescape_uri(address.user()) != who->user)
    return outcome::no();
  const std::string_view host = address.host().text;
  return outcome::of(iequals(host, who->domain) ||
                     (who->domain == who->realm && m.core().names().contains(address)));
}

template <auto Header>
outcome check_address(script::call& c) {
  const auto& m = c.as<message_context>();
  const auto value = m.message().get<Header>();
  return value ? is_own(m, value->address) : outcome::no();
}

outcome is_user(script::call& c) {
  const authenticated_user* const who = user_of(c.as<message_context>());
  return outcome::of(who && who->user == c.text(0));
}

script::module_info declare() {
  script::module_info info{.name = "uri",
                           .help = "whether addresses are those of the user who was let in"};
  info.functions = {
      {.name = "is_user",
       .arguments = {{"user", script::argument_kind::text}},
       .help = "true when the sender was let in by the account of this user",
       .run = is_user},
      {.name = "check_to",
       .arguments = {},
       .help = "true when To is the address of the account that the sender was let in by",
       .run = check_address<sip::hdr::to>},
      {.name = "check_from",
       .arguments = {},
       .help = "true when From is the address of the account that the sender was let in by",
       .run = check_address<sip::hdr::from>},
      {.name = "does_uri_exist",
       .arguments = {},
       .help = "says no: accounts are found by their passwords alone",
       .run = [](script::call&) { return outcome::no(); }},
  };
  return info;
}

} // namespace

server::module_entry uri() { return {.declare = declare}; }

} // namespace tandem::modules

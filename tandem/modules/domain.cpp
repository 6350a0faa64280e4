// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/domain.hpp>

#include <tandem/server/core.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/sip/headers.hpp>

namespace tandem::modules {

namespace {

using script::outcome;
using script::parameter_kind;
using server::message_context;

/// As `uri==myself` is: a listener, or an alias.
outcome is_ours(const message_context& m, const sip::uri& address) {
  return outcome::of(address.is_sip() && m.core().names().contains(address));
}

outcome is_from_local(script::call& c) {
  const auto& m = c.as<message_context>();
  const auto from = m.message().get<sip::hdr::from>();
  return from ? is_ours(m, from->address) : outcome::no();
}

outcome is_uri_host_local(script::call& c) {
  const auto& m = c.as<message_context>();
  const auto uri = m.parsed_uri();
  return uri ? is_ours(m, *uri) : outcome::no();
}

struct no_settings {};

std::vector<script::parameter_info> parameters() {
  constexpr const char* why = "the core parameter alias names the domains";
  auto rows = server::parameter_table<no_settings>{};
  for (const char* name : {"db_url", "domain_table", "domain_col"})
    rows = std::move(rows).without_effect(name, parameter_kind::string, why);
  return std::move(rows).without_effect("db_mode", parameter_kind::integer, why).declared();
}

script::module_info declare() {
  script::module_info info{.name = "domain", .help = "whether addresses are of our domains"};
  info.functions = {
      {.name = "is_from_local",
       .arguments = {},
       .blocks = script::in_request | script::in_failure,
       .help = "true when the host in From is a name or an address of ours",
       .run = is_from_local},
      {.name = "is_uri_host_local",
       .arguments = {},
       .blocks = script::in_request | script::in_failure,
       .help = "the same for the Request-URI",
       .run = is_uri_host_local},
  };
  info.parameters = parameters();
  return info;
}

} // namespace

server::module_entry domain() { return {.declare = declare}; }

} // namespace tandem::modules

// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/auth/auth.hpp>

#include <tandem/modules/auth/authorize.hpp>
#include <tandem/modules/auth/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/authenticated_user.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/parameters.hpp>

#include <stdexcept>

namespace tandem::modules {

namespace {

using script::argument_kind;
using script::outcome;
using server::authenticated_user;
using server::message_context;
using stack::challenger;
using stack::qop_offer;

// ---- challenges

/// What a script writes for qop. "0" is none for who wants the original; RFC 3261 22.4 has a server
/// always send one.
std::optional<qop_offer> offer_of(std::string_view text, const auth_settings& rules) {
  if (text == "0") return rules.is_classic ? qop_offer::none : qop_offer::auth;
  if (text == "1") return qop_offer::auth;
  for (const auto each : {qop_offer::auth, qop_offer::auth_int, qop_offer::auth_or_auth_int})
    if (text == to_string(each)) return each;
  return std::nullopt;
}

std::shared_ptr<const void> check_qop(script::check& c) {
  if (!offer_of(c.text(1), {})) c.error(1, "must be 0, 1, auth, auth-int or auth,auth-int");
  return nullptr;
}

template <challenger By>
outcome run_challenge(script::call& c) {
  auto& m = c.as<message_context>();
  const auto offer = offer_of(c.text(1), m.settings_of<auth_settings>());
  return challenge(m, By, realm_of(m, c.text(0)), offer.value_or(qop_offer::auth));
}

template <challenger By>
outcome run_authenticate(script::call& c) {
  auto& m = c.as<message_context>();
  const bool is_ha1 = c.count() > 2 && (c.number(2) & 1) != 0;
  return authenticate(m, By, realm_of(m, c.text(0)), c.text(1),
                      is_ha1 ? given_secret::ha1 : given_secret::password);
}

// ---- credentials

outcome consume_credentials(script::call& c) {
  auto& m = c.as<message_context>();
  if (c.has(0)) {
    for (const challenger by : stack::challengers)
      stack::erase_credentials(m.message(), by, realm_of(m, c.text(0)));
    return outcome::yes();
  }
  const auto* const who = m.find_state<authenticated_user>();
  if (!who || !who->is_there()) return outcome::no();
  stack::erase_credentials(m.message(), who->by, who->realm);
  return outcome::yes();
}

outcome has_credentials(script::call& c) {
  auto& m = c.as<message_context>();
  const std::string_view realm = realm_of(m, c.text(0));
  if (realm.empty()) return outcome::no();
  const auto& asks = *m.settings_of<auth_settings>().asks;
  for (const challenger by : stack::challengers)
    if (asks.read(m.arrived(), space_of(m, by, realm))) return outcome::yes();
  return outcome::no();
}

template <auto Field>
bool read_user(script::variable_read& r) {
  const auto* const who = r.as<message_context>().find_state<authenticated_user>();
  if (!who || !who->is_there()) return false;
  r.append(who->*Field);
  return true;
}

// ---- declarations

const server::parameter_table<auth_settings>& table() {
  static const auto made =
      server::parameter_table<auth_settings>{}
          .add("nonce_expire", &auth_settings::nonce_expire, {.min = 1, .max = 86'400, .unit = "s"},
               "that a challenge may be answered")
          .add("algorithms", &auth_settings::algorithms,
               "what is offered and accepted, the preferred first: of MD5, SHA-256, SHA-512-256")
          .add("uri_rule", &auth_settings::uri_rule, {.words = {"target", "any"}},
               "what the uri of credentials must be: the target of the request, or any, for phones "
               "behind proxies that rewrite it")
          .add("bind_source", &auth_settings::bind_source,
               "a challenge may be answered from the address alone that it was sent to")
          .add("max_nonces", &auth_settings::max_nonces,
               {.min = 64, .max = 16'777'216, .when = script::read_when::start},
               "nonces in use that are remembered, about 40 bytes each")
          .without_effect("secret", script::parameter_kind::string,
                          "each start has a key of its own, else it would accept what was answered "
                          "before");
  return made;
}

script::function_info challenge_function(std::string name, std::string help,
                                         script::function_callback run) {
  return {.name = std::move(name),
          .arguments = {{"realm", argument_kind::text}, {"qop", argument_kind::string}},
          .help = std::move(help),
          .run = std::move(run),
          .prepare = check_qop};
}

script::function_info authenticate_function(std::string name, std::string help,
                                            script::function_callback run) {
  return {.name = std::move(name),
          .arguments = {{"realm", argument_kind::text},
                        {"password", argument_kind::text},
                        {"flags", argument_kind::integer}},
          .required = 2,
          .help = std::move(help),
          .run = std::move(run)};
}

script::module_info declare() {
  script::module_info info{.name = "auth",
                           .help = "digest authentication: challenges, and what "
                                   "becomes of credentials"};
  info.functions = {
      challenge_function("www_challenge",
                         "answers 401 with challenges for the realm, and ends the block",
                         run_challenge<challenger::user_agent>),
      challenge_function("proxy_challenge",
                         "answers 407 with challenges for the realm, and ends the block",
                         run_challenge<challenger::proxy>),
      {.name = "consume_credentials",
       .arguments = {{"realm", argument_kind::text}},
       .required = 0,
       .help =
           "removes the credentials that the user was let in by, so that nobody further on sees "
           "them; with a realm, all for it, right or wrong",
       .run = consume_credentials},
      {.name = "has_credentials",
       .arguments = {{"realm", argument_kind::text}},
       .help = "true when there are credentials for the realm, right or wrong",
       .run = has_credentials},
      authenticate_function("pv_www_authenticate",
                            "true when Authorization shows that the sender knows this password; "
                            "flag 1: it is a ha1",
                            run_authenticate<challenger::user_agent>),
      authenticate_function("pv_proxy_authenticate", "the same for Proxy-Authorization",
                            run_authenticate<challenger::proxy>),
      {.name = "is_rpid_user_e164",
       .arguments = {},
       .help = "says no: there is no Remote-Party-ID",
       .run = [](script::call&) { return outcome::no(); }},
      {.name = "append_rpid_hf",
       .arguments = {{"prefix", argument_kind::text}, {"suffix", argument_kind::text}},
       .required = 0,
       .help = "says no: there is no Remote-Party-ID",
       .run = [](script::call&) { return outcome::no(); }},
  };
  using argument = script::variable_info::argument;
  info.variables = {
      {"au", argument::none, "user name of the account that the sender was let in by",
       read_user<&authenticated_user::user>},
      {"ad", argument::none, "domain of that account", read_user<&authenticated_user::domain>},
      {"ar", argument::none, "realm of that account", read_user<&authenticated_user::realm>},
  };
  info.parameters = table().declared();
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<auth_settings>();
  table().read(setup, *s);
  if (!setup.program.has_module(setup.info.name)) return s;
  s->is_classic = setup.program.parameters().compat() == script::compatibility::classic;
  s->nonces = &setup.shared.state<shared_nonces>().get(
      {.lifetime = s->nonce_expire, .most_counted = s->max_nonces});
  try {
    s->asks.emplace(
        stack::authentication_settings{.algorithms = parse_algorithms(s->algorithms),
                                       .uri_rule = s->uri_rule == "any"
                                                       ? stack::digest_uri_rule::any
                                                       : stack::digest_uri_rule::same_target},
        *s->nonces);
  } catch (const std::invalid_argument& error) {
    setup.refuse("algorithms", error.what());
  }
  return s;
}

} // namespace

server::module_entry auth() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules

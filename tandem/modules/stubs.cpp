// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/stubs.hpp>

#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>

namespace tandem::modules {

namespace {

using script::outcome;

/// A function that would admit, find or store something: it says no, whatever it is given.
script::function_info refusal(std::string name, std::size_t most_arguments, std::string help) {
  std::vector<script::argument_info> arguments;
  for (std::size_t i = 0; i < most_arguments; ++i)
    arguments.emplace_back("argument", script::argument_kind::text);
  return {.name = std::move(name),
          .arguments = std::move(arguments),
          .required = 0,
          .blocks = script::anywhere,
          .help = std::move(help),
          .run = [](script::call&) { return outcome::no(); }};
}

/// A challenge that cannot be made: the caller hears so, and the script ends as it would.
script::function_info no_challenge(std::string name) {
  return {
      .name = std::move(name),
      .arguments = {{"realm", script::argument_kind::text}, {"qop", script::argument_kind::text}},
      .help = "answers 501: there is no authentication yet",
      .run = [](script::call& c) {
        auto& m = c.as<server::message_context>();
        m.home().answer(m, 501, "Authentication is not available");
        return outcome::leave();
      }};
}

script::module_info stub(std::string name, const std::string& why) {
  return {.name = std::move(name), .help = why, .stub = why};
}

constexpr const char* nobody = "says no: there is no authentication yet";

script::module_info acc() { return stub("acc", "calls are not accounted yet"); }

script::module_info auth() {
  auto info = stub("auth", "there is no authentication yet");
  info.functions = {no_challenge("www_challenge"), no_challenge("proxy_challenge")};
  return info;
}

script::module_info auth_db() {
  auto info = stub("auth_db", "there is no authentication yet: nobody is let in");
  info.functions = {refusal("www_authorize", 2, nobody), refusal("proxy_authorize", 2, nobody)};
  return info;
}

script::module_info group() {
  auto info = stub("group", "there are no groups yet: nobody is in one");
  info.functions = {refusal("is_user_in", 2, "says no: there are no groups yet")};
  info.aliases = {{"is_in_group", "is_user_in"}};
  return info;
}

script::module_info uri() {
  auto info = stub("uri", "there is no authentication yet: no user is verified");
  info.functions = {refusal("check_to", 0, nobody), refusal("check_from", 0, nobody),
                    refusal("is_user", 1, nobody), refusal("does_uri_exist", 0, nobody)};
  return info;
}

script::module_info mysql() { return stub("mysql", "there is no database yet"); }

script::module_info msilo() {
  auto info = stub("msilo", "messages are not stored yet");
  info.functions = {refusal("m_store", 1, "says no: messages are not stored yet"),
                    refusal("m_dump", 0, "says no: messages are not stored yet")};
  return info;
}

script::module_info snmp() { return stub("snmp", "there is no SNMP agent"); }

script::module_info enum_lookup() {
  auto info = stub("enum", "numbers are not looked up yet");
  info.functions = {refusal("enum_query", 1, "says no: numbers are not looked up yet"),
                    refusal("is_from_user_e164", 0, "says no: numbers are not looked up yet")};
  return info;
}

script::module_info pike() {
  return stub("pike", "the server bounds what a source may send by itself (docs/server.md)");
}

script::module_info nathelper() { return stub("nathelper", "media is not relayed yet"); }

script::module_info permissions() {
  auto info = stub("permissions", "there are no allow and deny files yet: nothing is allowed");
  info.functions = {refusal("allow_routing", 2, "says no: there are no permission files yet")};
  return info;
}

script::module_info domain() {
  auto info = stub("domain", "there is no table of domains yet; core parameter alias names them");
  info.functions = {refusal("is_from_local", 0, "says no: there is no table of domains yet"),
                    refusal("is_uri_host_local", 0, "says no: there is no table of domains yet")};
  return info;
}

script::module_info pa() {
  auto info = stub("pa", "there is no presence agent yet");
  info.functions = {refusal("handle_subscription", 1, "says no: there is no presence agent yet"),
                    refusal("existing_subscription", 1, "says no: there is no presence agent yet"),
                    refusal("pua_exists", 1, "says no: there is no presence agent yet")};
  return info;
}

script::module_info jabber() { return stub("jabber", "there is no gateway to XMPP yet"); }
script::module_info sms() { return stub("sms", "there is no gateway to SMS"); }
script::module_info vm() { return stub("vm", "there is no voice mail"); }
script::module_info mangler() { return stub("mangler", "addresses in SDP are left alone"); }
script::module_info extcmd() { return stub("extcmd", "there is no external command server"); }

} // namespace

std::vector<server::module_entry> stubs() {
  return {{acc},    {auth},        {auth_db}, {group},     {uri},         {mysql},  {msilo},
          {snmp},   {enum_lookup}, {pike},    {nathelper}, {permissions}, {domain}, {pa},
          {jabber}, {sms},         {vm},      {mangler},   {extcmd}};
}

} // namespace tandem::modules

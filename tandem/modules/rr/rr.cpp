// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/rr/rr.hpp>

#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/forwarding/recorded_route.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/stack/record_route.hpp>
#include <tandem/stack/route_rules.hpp>

#include <optional>
#include <string>

namespace tandem::modules {

namespace {

using script::outcome;
using server::message_context;
using server::recorded_route;

/// The parameters of this module in one script.
struct rr_settings final : server::module {
  stack::record_route_rules rules;
  std::optional<unsigned> nat_flag = 4;
};

/// The Route entry of ours that loose_route() took away.
struct own_route {
  std::string params; ///< without the first semicolon
  bool is_of_dialog = false;
  void clear() noexcept {
    params.clear();
    is_of_dialog = false;
  }
};

/// Puts an entry of ours into the request, once.
outcome record(message_context& m, std::string_view sent_by, recorded_route::kind how) {
  auto& recorded = m.state<recorded_route>();
  if (recorded.made != recorded_route::kind::none) return outcome::yes();
  const auto& settings = m.settings_of<rr_settings>();
  recorded.rules = settings.rules;
  stack::route_entry entry{.user = {}, .sent_by = sent_by, .transport = m.from().transport};
  if (how == recorded_route::kind::preset) entry.transport = transport_kind::udp;
  if (recorded.rules.add_username)
    if (const auto uri = m.parsed_uri(); uri && uri->is_sip()) entry.user = uri->user();
  // Behind a NAT the sender is reached by the way that it came, as `lookup` reaches it.
  const bool is_behind_nat = settings.nat_flag && m.flag(*settings.nat_flag);
  // So is a phone by TLS, which has no certificate to prove its name by; a proxy before us has.
  const bool is_secured_phone =
      is_secure(m.from().transport) && !m.message().has(sip::header_id::record_route);
  const stack::flow_token calling = is_behind_nat || is_secured_phone
                                        ? stack::flow_token{server::way_back(m)}
                                        : stack::flow_token{};
  if (sent_by.empty() || !push_record_route(m.message(), recorded.rules, entry, calling))
    return outcome::no();
  recorded.made = how;
  return outcome::yes();
}

outcome record_route(script::call& c) {
  auto& m = c.as<message_context>();
  return record(m, m.core().out().sent_by(server::way_back(m)), recorded_route::kind::single);
}

outcome record_route_preset(script::call& c) {
  return record(c.as<message_context>(), c.text(0), recorded_route::kind::preset);
}

std::shared_ptr<const void> check_preset(script::check& c) {
  if (c.is_constant(0) && !sip::host_port::parse(c.text(0)))
    c.error(0, "an address as in a URI is expected: \"192.0.2.1:5060\" or \"sip.example.com\"");
  return nullptr;
}

/// What the entry says that was taken away, if it is one that we have made.
void follow(message_context& m, own_route& own) {
  const hash_key& secret = m.core().transactions().secret();
  auto& moved = m.core().state<server::moved_parties>().all;
  own.is_of_dialog = false;
  const auto uri = m.parsed_uri();
  if (!uri) return;
  const auto followed = stack::follow_own_route(m.message(), *uri, own.params, secret, moved);
  own.is_of_dialog = followed.is_ours;
  if (!followed.is_ours) return;
  m.state<recorded_route>().within = recorded_route::dialog::ours;
  if (!followed.flow) return;
  m.reach().received = followed.flow->address;
  m.reach().flow = followed.flow->flow;
  m.reach().transport = followed.flow->transport;
}

outcome loose_route(script::call& c) {
  auto& m = c.as<message_context>();
  const auto is_own = [&](const sip::uri& uri) {
    return uri.is_sip() && m.core().names().contains(uri);
  };
  auto& own = m.state<own_route>();
  const stack::route_step step = stack::take_own_route(m.message(), is_own, own.params);
  if (!step.had_route) return outcome::no();
  m.reach().named = stack::named_by::stranger; // also where a strict router had put it elsewhere
  follow(m, own);
  if (step.has_more) return outcome::yes();
  // Nothing is left: the Request-URI is the last hop. The original said false then, and scripts
  // that count on it have their way in classic mode.
  if (step.removed == 0 && !step.was_strict) return outcome::no();
  return outcome::of(!m.script().is_classic());
}

outcome is_routed_before(script::call& c) {
  return outcome::of(c.as<message_context>().state<own_route>().is_of_dialog);
}

/// A parameter that is a field of the rules of record-routing.
template <typename T>
auto rule(T stack::record_route_rules::*field) {
  return [field](rr_settings& of) -> T& { return of.rules.*field; };
}

const server::parameter_table<rr_settings>& parameters() {
  using rules = stack::record_route_rules;
  static const auto made =
      server::parameter_table<rr_settings>{}
          .add("append_fromtag", rule(&rules::append_fromtag),
               "puts the From tag into the entry, as ftag")
          .add("enable_full_lr", rule(&rules::enable_full_lr),
               "writes lr=on, for peers that drop a bare lr")
          .add("enable_double_rr", rule(&rules::enable_double_rr),
               "two entries where a request leaves by another transport or address of ours than it "
               "came by")
          .add("add_username", rule(&rules::add_username),
               "puts the user of the Request-URI into the entry")
          .add("nat_flag", &rr_settings::nat_flag, {.min = -1, .max = 31},
               "flag of a request whose sender is behind a NAT: what the other party sends within "
               "the dialog goes the way that the request came; -1: none");
  return made;
}

script::module_info declare() {
  script::module_info info{.name = "rr", .help = "Record-Route and loose routing"};
  info.functions = {
      {.name = "record_route",
       .arguments = {},
       .help = "keeps this server in the path of the dialog; once per message",
       .run = record_route},
      {.name = "record_route_preset",
       .arguments = {{"address", script::argument_kind::text}},
       .help = "the same with a given address instead of that of the listener",
       .run = record_route_preset,
       .prepare = check_preset},
      {.name = "loose_route",
       .arguments = {},
       .help = "takes our own entry from the Route; true when the Route says where to go next, and "
               "unless compat is classic also when the Request-URI does",
       .run = loose_route},
      {.name = "is_routed_before",
       .arguments = {},
       .help =
           "after loose_route(): true when the entry taken away is one that record_route() made "
           "for this dialog, and the request goes where the other party of it is",
       .run = is_routed_before},
  };
  info.parameters = parameters().declared();
  info.aliases = {{"addRecordRoute", "record_route"}, {"rewriteFromRoute", "loose_route"}};
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<rr_settings>();
  parameters().read(setup, *s);
  return s;
}

} // namespace

server::module_entry rr() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules

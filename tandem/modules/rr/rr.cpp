// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/rr/rr.hpp>

#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/forwarding/record_route.hpp>
#include <tandem/sip/params.hpp>
#include <tandem/stack/route_rules.hpp>

namespace tandem::modules {

namespace {

using script::outcome;
using script::parameter_kind;
using server::message_context;
using server::recorded_route;

/// The parameters of this module in one script.
struct rr_settings final : server::module {
  server::record_route_rules rules;
};

/// Parameters of the Route entry of ours that loose_route() took away, without semicolon.
struct own_route {
  std::string params;
  void clear() noexcept { params.clear(); }
};

/// Puts an entry of ours into the request, once.
outcome record(message_context& m, std::string_view sent_by, recorded_route::kind how) {
  auto& recorded = m.state<recorded_route>();
  if (recorded.made != recorded_route::kind::none) return outcome::yes();
  recorded.rules = m.settings_of<rr_settings>().rules;
  const auto transport =
      how == recorded_route::kind::preset ? transport_kind::udp : m.from().transport;
  if (sent_by.empty() || !push_record_route(m, recorded.rules, sent_by, transport))
    return outcome::no();
  recorded.made = how;
  return outcome::yes();
}

outcome record_route(script::call& c) {
  auto& m = c.as<message_context>();
  stack::target back;
  back.address = m.from().source;
  back.transport = m.from().transport;
  return record(m, m.home().out().sent_by(back), recorded_route::kind::single);
}

outcome record_route_preset(script::call& c) {
  return record(c.as<message_context>(), c.text(0), recorded_route::kind::preset);
}

std::shared_ptr<const void> check_preset(script::check& c) {
  if (c.is_constant(0) && !sip::host_port::parse(c.text(0)))
    c.error(0, "an address as in a URI is expected: \"192.0.2.1:5060\" or \"sip.example.com\"");
  return nullptr;
}

outcome loose_route(script::call& c) {
  auto& m = c.as<message_context>();
  const auto is_own = [&](const sip::uri& uri) {
    return uri.is_sip() && m.home().names().contains(uri.host().text, uri.port().value_or(0));
  };
  const stack::route_step step =
      stack::take_own_route(m.message(), is_own, m.state<own_route>().params);
  if (!step.had_route) return outcome::no();
  if (step.has_more) return outcome::yes();
  // Nothing is left: the Request-URI is the last hop. The original said false then, and scripts
  // that count on it have their way in classic mode.
  if (step.removed == 0 && !step.was_strict) return outcome::no();
  return outcome::of(!m.script().is_classic());
}

/// The Route that was taken away is one that we have set up for this call.
outcome is_routed_before(script::call& c) {
  auto& m = c.as<message_context>();
  const auto params = sip::uri_parameters{m.state<own_route>().params};
  return outcome::of(params.value("did") == server::dialog_mark{m}.view());
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
           "for this call, so that the request belongs to a call that passed here before",
       .run = is_routed_before},
  };
  info.parameters = {
      {"append_fromtag", parameter_kind::boolean, "1", "puts the From tag into the entry, as ftag"},
      {"enable_full_lr", parameter_kind::boolean, "0",
       "writes lr=on, for peers that drop a bare lr"},
      {"enable_double_rr", parameter_kind::boolean, "1",
       "two entries where a request leaves by another transport or address family than it came by"},
      {"add_username", parameter_kind::boolean, "0",
       "puts the user of the Request-URI into the entry"},
  };
  info.aliases = {{"addRecordRoute", "record_route"}, {"rewriteFromRoute", "loose_route"}};
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<rr_settings>();
  s->rules.append_fromtag = setup.is_on("append_fromtag");
  s->rules.enable_full_lr = setup.is_on("enable_full_lr");
  s->rules.enable_double_rr = setup.is_on("enable_double_rr");
  s->rules.add_username = setup.is_on("add_username");
  return s;
}

} // namespace

server::module_entry rr() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules

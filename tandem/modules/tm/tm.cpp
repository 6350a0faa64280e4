// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/tm/tm.hpp>

#include <tandem/base/split.hpp>
#include <tandem/modules/tm/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/arguments/next_hop_argument.hpp>
#include <tandem/server/arguments/status_argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/core_functions/forward_functions.hpp>
#include <tandem/server/parameters.hpp>

namespace tandem::modules {

void tm_settings::apply_to(server::core& owner) const {
  owner.transactions().set_timers(timers);
  owner.proxy().set_settings(proxy);
  owner.state<server::transaction_routes>().set_noisy(is_noisy);
}

namespace {

using script::argument_kind;
using script::outcome;
using server::message_context;
using server::transaction_run;

constexpr script::block_mask routing = script::in_request | script::in_failure;

message_context& context_of(script::call& c) { return c.as<message_context>(); }

server::forwarder& forwarder_of(message_context& m) { return m.core().state<server::forwarder>(); }

outcome t_newtran(script::call& c) {
  auto& m = context_of(c);
  // RFC 3261 17: an ACK has no transaction of its own; copies of requests never come this far.
  if (m.message().method() == sip::method::ack) return outcome::yes();
  return outcome::of(forwarder_of(m).begin(m));
}

outcome t_relay(script::call& c) {
  auto& m = context_of(c);
  return forwarder_of(m).forward(m);
}

outcome t_reply(script::call& c) {
  auto& m = context_of(c);
  return outcome::of(forwarder_of(m).reply(m, static_cast<int>(c.number(0)), c.text(1)));
}

outcome t_release(script::call& c) {
  auto& m = context_of(c);
  if (!m.transaction()) return outcome::no();
  m.core().proxy().drop(m.transaction());
  return outcome::yes();
}

outcome t_retransmit_reply(script::call& c) {
  const auto& m = context_of(c);
  auto& layer = m.core().transactions();
  return outcome::of(layer.repeat(layer.find_server(m.arrived(), m.from())));
}

outcome t_forward_nonack_uri(script::call& c) {
  auto& m = context_of(c);
  m.reach().clear();
  return forwarder_of(m).forward(m);
}

/// The oldest way to fork: another destination beside the Request-URI, and off they go.
outcome t_fork_to(script::call& c) {
  auto& m = context_of(c);
  const std::string hop = server::next_hop_argument(c, "");
  if (hop.empty()) return outcome::no();
  server::destination* const branch = m.branches().append(m.uri());
  if (!branch) {
    m.set_error(server::routing_error::too_many_branches);
    return outcome::no();
  }
  branch->reach.uri = hop;
  return forwarder_of(m).forward(m);
}

outcome t_lookup_request(script::call& c) {
  auto& m = context_of(c);
  return outcome::of(static_cast<bool>(m.transaction()) ||
                     static_cast<bool>(m.core().transactions().find_server(m.arrived(), m.from())));
}

outcome t_is_canceled(script::call& c) {
  auto& m = context_of(c);
  const auto* const context = m.core().proxy().find(m.transaction());
  return outcome::of(context && context->is_cancelled);
}

/// The status that brought the script here matches a regular expression's worth of digits: "486",
/// or "5.." with points for any digit.
outcome t_check_status(script::call& c) {
  auto& m = context_of(c);
  const int failed = m.state<transaction_run>().failure_status;
  const int code = failed != 0 ? failed : m.message().status();
  const std::string digits = std::to_string(code);
  for (const std::string_view one : split(c.text(0), '|')) {
    bool is_same = one.size() == digits.size();
    for (std::size_t i = 0; is_same && i < one.size(); ++i)
      is_same = one[i] == '.' || one[i] == digits[i];
    if (is_same) return outcome::yes();
  }
  return outcome::no();
}

outcome arm_failure(script::call& c) {
  auto& m = context_of(c);
  m.state<transaction_run>().on_failure = c.number(0);
  m.core().state<server::transaction_routes>().arm(m);
  return outcome::yes();
}

outcome arm_reply(script::call& c) {
  auto& m = context_of(c);
  m.state<transaction_run>().on_reply = c.number(0);
  m.core().state<server::transaction_routes>().arm(m);
  return outcome::yes();
}

/// t_relay_to_udp and its kin: a next hop for the request, whatever its URI says.
script::function_info relay_function(std::string name, std::string help,
                                     std::string_view transport) {
  return server::next_hop_function(std::move(name), std::move(help), &server::forwarder::forward_to,
                                   transport, routing);
}

script::function_info replicate_function(std::string name, std::string help,
                                         std::string_view transport) {
  return server::next_hop_function(std::move(name), std::move(help), &server::forwarder::replicate,
                                   transport);
}

std::vector<script::function_info> functions() {
  std::vector<script::function_info> all = {
      {.name = "t_newtran",
       .arguments = {},
       .help = "makes a transaction; copies of the request are absorbed from then on",
       .run = t_newtran},
      {.name = "t_relay",
       .arguments = {},
       .blocks = routing,
       .may_suspend = true,
       .help = "forwards to the Request-URI and all branches, in a failure_route to the branches "
               "that were added there; makes the transaction where there is none",
       .run = t_relay},
      {.name = "t_reply",
       .arguments = {{"code", argument_kind::integer}, {"reason", argument_kind::text}},
       .blocks = routing,
       .help = "answers within the transaction; false when there is none",
       .run = t_reply,
       .prepare = server::check_status_argument},
      {.name = "t_on_failure",
       .arguments = {{"route", argument_kind::failure_route}},
       .blocks = script::anywhere,
       .help = "the failure_route to run when every branch has failed; \"0\": none",
       .run = arm_failure},
      {.name = "t_on_reply",
       .arguments = {{"route", argument_kind::onreply_route}},
       .blocks = script::anywhere,
       .help = "the onreply_route to run for each reply; \"0\": none",
       .run = arm_reply},
      {.name = "t_release",
       .arguments = {},
       .help = "ends the transaction without a reply; copies of the request are still absorbed",
       .run = t_release},
      {.name = "t_unref",
       .arguments = {},
       .help = "nothing: transactions end by themselves",
       .run = [](script::call&) { return outcome::yes(); }},
      {.name = "t_retransmit_reply",
       .arguments = {},
       .help = "sends the last reply of the transaction again; false when there is none",
       .run = t_retransmit_reply},
      {.name = "t_lookup_request",
       .arguments = {},
       .help = "true when the request has a transaction, or is the CANCEL of one",
       .run = t_lookup_request},
      {.name = "t_check_trans",
       .arguments = {},
       .help = "the same; an ACK that ends at a transaction never reaches the script",
       .run = t_lookup_request},
      {.name = "t_is_canceled",
       .arguments = {},
       .blocks = routing,
       .help = "true when the caller has cancelled the request",
       .run = t_is_canceled},
      {.name = "t_check_status",
       .arguments = {{"codes", argument_kind::string}},
       .blocks = script::in_failure | script::in_onreply,
       .help = "true when the status is one of these: \"486|6..\"",
       .run = t_check_status},
      relay_function("t_relay_to", "t_relay by this next hop", ""),
      relay_function("t_relay_to_udp", "t_relay by this next hop, by UDP", "udp"),
      relay_function("t_relay_to_tcp", "t_relay by this next hop, by TCP", "tcp"),
      relay_function("t_relay_to_tls", "t_relay by this next hop, by TLS", "tls"),
      replicate_function("t_replicate", "sends a copy there, whose replies go nowhere", ""),
      replicate_function("t_replicate_udp", "the same by UDP", "udp"),
      replicate_function("t_replicate_tcp", "the same by TCP", "tcp"),
      replicate_function("t_replicate_tls", "the same by TLS", "tls"),
      relay_function("t_forward_nonack", "t_relay by this next hop, of a request other than ACK",
                     ""),
      relay_function("t_forward_nonack_udp", "the same by UDP", "udp"),
      relay_function("t_forward_nonack_tcp", "the same by TCP", "tcp"),
      relay_function("t_forward_nonack_tls", "the same by TLS", "tls"),
      {.name = "t_forward_nonack_uri",
       .arguments = {},
       .blocks = routing,
       .may_suspend = true,
       .help = "t_relay to where the Request-URI itself says",
       .run = t_forward_nonack_uri},
      {.name = "t_fork_to",
       .arguments = server::next_hop_arguments(),
       .required = 1,
       .blocks = routing,
       .may_suspend = true,
       .help = "append_branch() by this next hop, and t_relay()",
       .run = t_fork_to},
  };
  return all;
}

const server::parameter_table<tm_settings>& table() {
  constexpr auto number = script::parameter_kind::integer;
  constexpr const char* doubles = "each interval is twice the one before (RFC 3261 17.1.1.2)";
  static const auto made =
      server::parameter_table<tm_settings>{}
          .add(
              "fr_timer", [](auto& s) -> auto& { return s.timers.timer_b; },
              {.min = 1, .unit = "s"}, "without any answer of a branch (timers B and F)")
          .add(
              "fr_inv_timer", [](auto& s) -> auto& { return s.timers.timer_c; },
              {.min = 1, .unit = "s"},
              "that an INVITE may ring before it is cancelled (timer C, which RFC 3261 wants above "
              "3 minutes)")
          .add(
              "wt_timer", [](auto& s) -> auto& { return s.timers.timer_d; },
              {.min = 1, .unit = "s"},
              "that an ended transaction is remembered (timers D, J, L and M)")
          .without_effect("delete_timer", number, "nothing is deleted late")
          .add("retr_timer1p1", &tm_settings::first_retransmission, {.min = 1, .unit = "s"},
               "to the first retransmission; half a second where the script does not set it (T1)")
          .without_effect("retr_timer1p2", number, doubles)
          .without_effect("retr_timer1p3", number, doubles)
          .add(
              "retr_timer2", [](auto& s) -> auto& { return s.timers.t2; }, {.min = 1, .unit = "s"},
              "longest interval between retransmissions")
          .add("noisy_ctimer", &tm_settings::is_noisy,
               "tell the caller 408 when a single ringing branch was given up; no where compat is "
               "classic and the script does not set it")
          .without_effect("ruri_matching", script::parameter_kind::boolean,
                          "the Request-URI always counts in RFC 2543 matching")
          .without_effect("uac_from", script::parameter_kind::string,
                          "there are no requests of our own yet");
  return made;
}

script::module_info declare() {
  script::module_info info{.name = "tm", .help = "transactions, stateful relaying and forking"};
  info.functions = functions();
  info.parameters = table().declared();
  info.aliases = {{"t_on_negative", "t_on_failure"},
                  {"t_send_reply", "t_reply"},
                  {"t_forward", "t_forward_nonack"},
                  {"t_forward_uri", "t_relay"},
                  {"t_add_transaction", "t_newtran"}};
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<tm_settings>();
  table().read(setup, *s);
  // A name of SER stands for several timers of the RFC; where the script says nothing, the RFC's
  // times hold.
  for (const char* name : {"fr_timer", "fr_inv_timer", "wt_timer", "retr_timer1p1", "retr_timer2"})
    if (setup.is_set(name)) s->timers.set(name, seconds{setup.number(name)});
  const bool is_classic = setup.program.parameters().compat() == script::compatibility::classic;
  s->proxy.choice =
      is_classic ? stack::response_choice::lowest_code : stack::response_choice::rfc_3261;
  s->proxy.cancels_on_6xx = !is_classic;
  if (is_classic && !setup.is_set("noisy_ctimer")) s->is_noisy = false;
  return s;
}

} // namespace

server::module_entry tm() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules

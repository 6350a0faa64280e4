// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/tm/tm.hpp>

#include <tandem/modules/next_hop_argument.hpp>
#include <tandem/modules/status_argument.hpp>
#include <tandem/modules/tm/relay.hpp>
#include <tandem/modules/tm/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>

namespace tandem::modules {

void tm_settings::apply_to(server::core& home) const {
  home.transactions().set_timers(timers);
  home.proxy().set_settings(proxy);
}

namespace {

using script::argument_kind;
using script::outcome;
using script::parameter_kind;
using server::message_context;

constexpr script::block_mask routing = script::in_request | script::in_failure;

message_context& context_of(script::call& c) { return c.as<message_context>(); }

relay& relay_of(message_context& m) { return m.home().state<relay>(); }

outcome t_newtran(script::call& c) {
  auto& m = context_of(c);
  // RFC 3261 17: an ACK has no transaction of its own; copies of requests never come this far.
  if (m.message().method() == sip::method::ack) return outcome::yes();
  return outcome::of(relay_of(m).begin(m));
}

outcome t_relay(script::call& c) {
  auto& m = context_of(c);
  return relay_of(m).forward(m);
}

/// t_relay_to_udp and its kin: a next hop for the request, whatever its URI says.
template <auto Act>
script::function_callback to_next_hop(std::string_view transport) {
  return [transport](script::call& c) {
    auto& m = context_of(c);
    const std::string hop = next_hop_argument(c, transport);
    if (hop.empty()) {
      m.set_error(server::routing_error::bad_address);
      return outcome::no();
    }
    return (relay_of(m).*Act)(m, hop);
  };
}

outcome t_reply(script::call& c) {
  auto& m = context_of(c);
  return outcome::of(relay_of(m).reply(m, static_cast<int>(c.number(0)), c.text(1)));
}

outcome t_release(script::call& c) {
  auto& m = context_of(c);
  if (!m.transaction()) return outcome::no();
  m.home().proxy().drop(m.transaction());
  return outcome::yes();
}

outcome t_retransmit_reply(script::call& c) {
  const auto& m = context_of(c);
  auto& layer = m.home().transactions();
  return outcome::of(layer.repeat(layer.find_server(m.message())));
}

outcome t_forward_nonack_uri(script::call& c) {
  auto& m = context_of(c);
  m.hop().clear();
  return relay_of(m).forward(m);
}

/// The oldest way to fork: another destination beside the Request-URI, and off they go.
outcome t_fork_to(script::call& c) {
  auto& m = context_of(c);
  const std::string hop = next_hop_argument(c, "");
  if (hop.empty()) {
    m.set_error(server::routing_error::bad_address);
    return outcome::no();
  }
  server::destination* const branch = m.branches().append(m.uri());
  if (!branch) {
    m.set_error(server::routing_error::too_many_branches);
    return outcome::no();
  }
  branch->via.uri = hop;
  return relay_of(m).forward(m);
}

outcome t_lookup_request(script::call& c) {
  auto& m = context_of(c);
  return outcome::of(static_cast<bool>(m.transaction()) ||
                     static_cast<bool>(m.home().transactions().find_server(m.message())));
}

outcome t_is_canceled(script::call& c) {
  auto& m = context_of(c);
  const auto* const context = m.home().proxy().find(m.transaction());
  return outcome::of(context && context->is_cancelled);
}

/// The status that brought the script here matches a regular expression's worth of digits: "486",
/// or "5.." with points for any digit.
outcome t_check_status(script::call& c) {
  const auto& m = context_of(c);
  const int code = m.failure_status() != 0 ? m.failure_status() : m.message().status();
  const std::string digits = std::to_string(code);
  std::string_view patterns = c.text(0);
  while (!patterns.empty()) {
    const auto end = std::min(patterns.find('|'), patterns.size());
    const std::string_view one = patterns.substr(0, end);
    bool is_same = one.size() == digits.size();
    for (std::size_t i = 0; is_same && i < one.size(); ++i)
      is_same = one[i] == '.' || one[i] == digits[i];
    if (is_same) return outcome::yes();
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
  }
  return outcome::no();
}

outcome arm_failure(script::call& c) {
  auto& m = context_of(c);
  m.armed().on_failure = c.number(0);
  relay_of(m).arm(m);
  return outcome::yes();
}

outcome arm_reply(script::call& c) {
  auto& m = context_of(c);
  m.armed().on_reply = c.number(0);
  relay_of(m).arm(m);
  return outcome::yes();
}

script::function_info next_hop_function(std::string name, std::string help,
                                        script::function_callback run,
                                        script::block_mask blocks = routing) {
  return {.name = std::move(name),
          .arguments = next_hop_arguments(),
          .required = 1,
          .blocks = blocks,
          .help = std::move(help),
          .run = std::move(run)};
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
       .help = "forwards to the Request-URI and all branches, in a failure_route to the branches "
               "that were added there; makes the transaction where there is none",
       .run = t_relay},
      {.name = "t_reply",
       .arguments = {{"code", argument_kind::integer}, {"reason", argument_kind::text}},
       .blocks = routing,
       .help = "answers within the transaction; false when there is none",
       .run = t_reply,
       .prepare = check_status_argument},
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
      next_hop_function("t_relay_to", "t_relay by this next hop",
                        to_next_hop<&relay::forward_to>("")),
      next_hop_function("t_relay_to_udp", "t_relay by this next hop, by UDP",
                        to_next_hop<&relay::forward_to>("udp")),
      next_hop_function("t_relay_to_tcp", "t_relay by this next hop, by TCP",
                        to_next_hop<&relay::forward_to>("tcp")),
      next_hop_function("t_relay_to_tls", "t_relay by this next hop, by TLS",
                        to_next_hop<&relay::forward_to>("tls")),
      next_hop_function("t_replicate", "sends a copy there, whose replies go nowhere",
                        to_next_hop<&relay::replicate>(""), script::in_request),
      next_hop_function("t_replicate_udp", "the same by UDP", to_next_hop<&relay::replicate>("udp"),
                        script::in_request),
      next_hop_function("t_replicate_tcp", "the same by TCP", to_next_hop<&relay::replicate>("tcp"),
                        script::in_request),
      next_hop_function("t_replicate_tls", "the same by TLS", to_next_hop<&relay::replicate>("tls"),
                        script::in_request),
      next_hop_function("t_forward_nonack", "t_relay by this next hop, of a request other than ACK",
                        to_next_hop<&relay::forward_to>("")),
      next_hop_function("t_forward_nonack_udp", "the same by UDP",
                        to_next_hop<&relay::forward_to>("udp")),
      next_hop_function("t_forward_nonack_tcp", "the same by TCP",
                        to_next_hop<&relay::forward_to>("tcp")),
      next_hop_function("t_forward_nonack_tls", "the same by TLS",
                        to_next_hop<&relay::forward_to>("tls")),
      {.name = "t_forward_nonack_uri",
       .arguments = {},
       .blocks = routing,
       .help = "t_relay to where the Request-URI itself says",
       .run = t_forward_nonack_uri},
      next_hop_function("t_fork_to", "append_branch() by this next hop, and t_relay()", t_fork_to),
  };
  return all;
}

script::module_info declare() {
  script::module_info info{.name = "tm", .help = "transactions, stateful relaying and forking"};
  info.functions = functions();
  info.parameters = {
      {"fr_timer", parameter_kind::integer, "32",
       "seconds without any answer of a branch (timers B and F)", 1},
      {"fr_inv_timer", parameter_kind::integer, "185",
       "seconds that an INVITE may ring before it is cancelled (timer C, which RFC 3261 wants "
       "above "
       "3 minutes)",
       1},
      {"wt_timer", parameter_kind::integer, "32",
       "seconds that an ended transaction is remembered (timers D, J, L and M)", 1},
      {"delete_timer", parameter_kind::integer, "2", "delay of deletion", 0, 3600,
       "nothing is deleted late"},
      {"retr_timer1p1", parameter_kind::integer, "1",
       "seconds to the first retransmission; half a second where the script does not set it (T1)",
       1},
      {"retr_timer1p2", parameter_kind::integer, "2", "seconds to the second", 0, 3600,
       "each interval is twice the one before (RFC 3261 17.1.1.2)"},
      {"retr_timer1p3", parameter_kind::integer, "4", "seconds to the third", 0, 3600,
       "each interval is twice the one before (RFC 3261 17.1.1.2)"},
      {"retr_timer2", parameter_kind::integer, "4", "longest interval between retransmissions", 1},
      {"noisy_ctimer", parameter_kind::boolean, "0",
       "tell the caller 408 when a single ringing branch was given up"},
      {"ruri_matching", parameter_kind::boolean, "1", "the Request-URI counts in RFC 2543 matching",
       0, 1, "it always counts"},
      {"uac_from", parameter_kind::string, "", "From of requests of our own", 0, 0,
       "there are none yet"},
  };
  info.aliases = {{"t_on_negative", "t_on_failure"},
                  {"t_send_reply", "t_reply"},
                  {"t_forward", "t_forward_nonack"},
                  {"t_add_transaction", "t_newtran"}};
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<tm_settings>();
  // Where the script says nothing the RFC's times hold.
  const auto& given = setup.program.module_parameters();
  for (const char* name : {"fr_timer", "fr_inv_timer", "wt_timer", "retr_timer1p1", "retr_timer2"})
    if (given.is_set(setup.info.name, name)) s->timers.set(name, seconds{setup.number(name)});
  const bool is_classic = setup.program.parameters().compat() == script::compatibility::classic;
  s->proxy.choice =
      is_classic ? stack::response_choice::lowest_code : stack::response_choice::rfc_3261;
  s->proxy.cancels_on_6xx = !is_classic;
  s->is_noisy =
      given.is_set(setup.info.name, "noisy_ctimer") ? setup.is_on("noisy_ctimer") : !is_classic;
  return s;
}

} // namespace

server::module_entry tm() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules

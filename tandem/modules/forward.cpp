// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/forward.hpp>

#include <tandem/modules/next_hop_argument.hpp>
#include <tandem/modules/tm/relay.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>

namespace tandem::modules {

namespace {

using script::outcome;
using server::message_context;

using act = outcome (relay::*)(message_context&, std::string_view);

script::function_info next_hop_function(std::string name, std::string help, act to,
                                        std::string_view transport) {
  return {.name = std::move(name),
          .arguments = next_hop_arguments(),
          .required = 1,
          .help = std::move(help),
          .run = [to, transport](script::call& c) {
            auto& m = c.as<message_context>();
            const std::string hop = next_hop_argument(c, transport);
            if (hop.empty()) {
              m.set_error(server::routing_error::bad_address);
              return outcome::no();
            }
            return (m.home().state<relay>().*to)(m, hop);
          }};
}

script::module_info declare() {
  script::module_info info{.name = "core", .help = "forwarding without a transaction"};
  info.functions = {
      next_hop_function("forward", "forwards without a transaction, to a host and port",
                        &relay::forward_stateless, ""),
      next_hop_function("forward_udp", "the same by UDP", &relay::forward_stateless, "udp"),
      next_hop_function("forward_tcp", "the same by TCP", &relay::forward_stateless, "tcp"),
      next_hop_function("forward_tls", "the same by TLS", &relay::forward_stateless, "tls"),
      next_hop_function("send", "sends the message on as it is, without a Via of this server",
                        &relay::send_copy, "udp"),
      next_hop_function("send_tcp", "the same by TCP", &relay::send_copy, "tcp"),
  };
  return info;
}

} // namespace

server::module_entry forward() { return {.declare = declare, .is_core = true}; }

} // namespace tandem::modules

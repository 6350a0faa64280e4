// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/core_functions/forward_functions.hpp>

#include <tandem/script/argument.hpp>
#include <tandem/server/arguments/next_hop_argument.hpp>

namespace tandem::server {

using script::outcome;

script::function_info next_hop_function(std::string name, std::string help, forward_act act,
                                        std::string_view transport, script::block_mask blocks) {
  return {.name = std::move(name),
          .arguments = next_hop_arguments(),
          .required = 1,
          .blocks = blocks,
          .may_suspend = true,
          .help = std::move(help),
          .run = [act, transport](script::call& c) {
            auto& m = c.as<message_context>();
            const std::string hop = next_hop_argument(c, transport);
            if (hop.empty()) return outcome::no();
            return (m.core().state<forwarder>().*act)(m, hop);
          }};
}

std::vector<script::function_info> forward_functions() {
  return {
      next_hop_function("forward",
                        "forwards to a host and port, without a transaction unless the "
                        "sender of a datagram was let in by a password",
                        &forwarder::forward_stateless, ""),
      next_hop_function("forward_udp", "the same by UDP", &forwarder::forward_stateless, "udp"),
      next_hop_function("forward_tcp", "the same by TCP", &forwarder::forward_stateless, "tcp"),
      next_hop_function("forward_tls", "the same by TLS", &forwarder::forward_stateless, "tls"),
      next_hop_function("send", "sends the message on as it is, without a Via of this server",
                        &forwarder::send_copy, "udp"),
      next_hop_function("send_tcp", "the same by TCP", &forwarder::send_copy, "tcp"),
  };
}

} // namespace tandem::server

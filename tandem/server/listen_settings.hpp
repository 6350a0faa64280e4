// SPDX-License-Identifier: Apache-2.0
// What script and command line say about the network, as the transport wants it; and who we are
// once the sockets are open. Main thread, at start-up; failures throw start_error.
#pragma once

#include <tandem/script/program.hpp>
#include <tandem/server/options.hpp>
#include <tandem/server/own_names.hpp>
#include <tandem/transport/listen_point.hpp>
#include <tandem/transport/listeners.hpp>
#include <tandem/transport/options.hpp>

#include <optional>
#include <span>
#include <vector>

namespace tandem::server {

/// Where to listen: the command line's addresses, else the script's, else the loopback.
/// \param look_up finds the addresses of host names among them
[[nodiscard]] std::vector<transport::listen_point>
listen_points(const options& wanted, const script::program& program,
              const transport::find_addresses& look_up);

/// Where the HTTP port listens: ADDRESS:PORT, or a port alone, which is one of the loopback.
/// Nothing when the script wants none.
[[nodiscard]] std::optional<socket_address> http_address(const script::program& program);

/// The addresses of the listeners, those of the interfaces where one is a wildcard, the names that
/// listeners were named by, with their ports, and the aliases.
/// \param points what the listeners were made of
void collect_own_names(own_names& names, const transport::listener_table& listeners,
                       std::span<const transport::listen_point> points,
                       const script::program& program);

} // namespace tandem::server

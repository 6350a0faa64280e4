// SPDX-License-Identifier: Apache-2.0
// The next hop as script functions name it: ("host", "port"), (host, port), (uri:host, uri:port).
#pragma once

#include <tandem/script/argument.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {

/// The declaration of the two arguments, of which the port may be missing.
[[nodiscard]] std::vector<script::argument_info> next_hop_arguments();

/// A URI that leads there; empty, with the error of the context, when the arguments name no host or
/// no port.
/// \param transport "udp", "tcp" ...; empty: none is named
[[nodiscard]] std::string next_hop_argument(script::call& c, std::string_view transport);

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// Script functions that name a next hop: forward() and send(), which every script has, and how
// others of their kind are declared.
#pragma once

#include <tandem/script/registry.hpp>
#include <tandem/server/forwarding/forwarder.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::server {

using forward_act = script::outcome (forwarder::*)(message_context&, std::string_view hop_uri);

/// A function ("host" [, "port"]) that does `act` with that next hop; false, with the error of the
/// context, when the arguments name none.
/// \param transport "udp", "tcp" ...; empty: none is named
[[nodiscard]] script::function_info
next_hop_function(std::string name, std::string help, forward_act act, std::string_view transport,
                  script::block_mask blocks = script::in_request);

/// forward(), send() and their kin.
[[nodiscard]] std::vector<script::function_info> forward_functions();

} // namespace tandem::server

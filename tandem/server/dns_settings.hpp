// SPDX-License-Identifier: Apache-2.0
// What a script says of the DNS, as its users take it. Any thread.
#pragma once

#include <tandem/names/resolver.hpp>
#include <tandem/script/program.hpp>
#include <tandem/server/core_settings.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/server_location.hpp>

namespace tandem::server {

/// For the resolvers of the server. Throws start_error, which names the line, when `dns_servers` is
/// no list of addresses.
[[nodiscard]] names::resolver_options resolver_options_of(const script::program& program);

/// How servers are searched that requests leave for by this outbox.
[[nodiscard]] stack::location_terms location_terms_of(const core_settings& set,
                                                      const stack::outbox& out);

} // namespace tandem::server

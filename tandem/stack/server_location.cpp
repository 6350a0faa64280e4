// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/server_location.hpp>

namespace tandem::stack {

result<server_location, hop_errc> server_location::of(const sip::uri& uri) {
  const auto hop = next_hop_of(uri);
  if (!hop) return fail(hop.error());
  return server_location{*hop};
}

server_location::server_location(const next_hop& hop) : hop_{hop} {
  // RFC 3263 4.2: a numeric address is the server, and nothing is asked.
  if (hop_.ip) take_addresses({&hop.ip, 1});
}

std::optional<dns_question> server_location::question() const noexcept {
  if (is_over_) return std::nullopt;
  return dns_question{hop_.host.text, dns_type::address};
}

void server_location::take_addresses(std::span<const ip_address> found) {
  if (is_over_) return;
  is_over_ = true;
  // RFC 3263 4.3: each address is a server to try when the one before it has failed.
  for (const ip_address& ip : found) {
    hop_.ip = ip;
    targets_.push_back(hop_.to_target());
  }
}

} // namespace tandem::stack

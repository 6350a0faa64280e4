// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/locator.hpp>

#include <tandem/names/resolver.hpp>
#include <tandem/sip/uri.hpp>
#include <tandem/stack/next_hop.hpp>

#include <string>

namespace tandem::server {

namespace {

/// What the URI says about the hop; nothing, with the error, when this server can not go there.
std::optional<stack::next_hop> read_hop(std::string_view uri, routing_error& error) {
  const auto parsed = sip::uri::parse(uri);
  if (!parsed) {
    error = routing_error::bad_uri;
    return std::nullopt;
  }
  const auto hop = stack::next_hop_of(*parsed);
  if (!hop) {
    error = hop.error() == stack::hop_errc::bad_scheme ? routing_error::bad_uri
                                                       : routing_error::bad_address;
    return std::nullopt;
  }
  return *hop;
}

} // namespace

std::optional<stack::target> locator::find_literal(std::string_view uri, routing_error& error) {
  const auto hop = read_hop(uri, error);
  if (!hop || !hop->ip) return std::nullopt;
  return hop->to_target();
}

void locator::find(std::string_view uri, found done) {
  located result;
  const auto hop = read_hop(uri, result.error);
  if (!hop) return done(std::move(result));
  if (hop->ip) {
    result.targets.push_back(hop->to_target());
    return done(std::move(result));
  }
  auto take = [hop = *hop, done = std::move(done)](const names::resolver::answer& all) mutable {
    located addresses;
    if (!all) {
      addresses.error = routing_error::bad_address;
      return done(std::move(addresses));
    }
    for (const ip_address& ip : *all) {
      hop.ip = ip;
      addresses.targets.push_back(hop.to_target());
    }
    done(std::move(addresses));
  };
  if (const auto known = names_.find(hop->host.text, names::address_family::any))
    return take(*known);
  names_.resolve(hop->host.text, names::address_family::any, std::move(take));
}

} // namespace tandem::server

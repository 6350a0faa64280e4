// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/locator.hpp>

#include <tandem/names/resolver.hpp>
#include <tandem/sip/uri.hpp>

#include <utility>
#include <vector>

namespace tandem::server {

namespace {

/// Nothing, with the error, when this server cannot go there.
std::optional<stack::server_location> begin(const sip::uri& uri, routing_error& error) {
  auto search = stack::server_location::of(uri);
  if (!search) {
    error = search.error() == stack::hop_errc::bad_scheme ? routing_error::bad_scheme
                                                          : routing_error::bad_address;
    return std::nullopt;
  }
  return std::move(*search);
}

std::optional<stack::server_location> begin(std::string_view uri, routing_error& error) {
  if (const auto parsed = sip::uri::parse(uri)) return begin(*parsed, error);
  error = routing_error::bad_uri;
  return std::nullopt;
}

template <typename Uri>
located find_known(const Uri& uri) {
  located result;
  if (auto search = begin(uri, result.error)) result.targets = std::move(search->targets());
  return result;
}

} // namespace

located locator::find_at_once(std::string_view uri) { return find_known(uri); }
located locator::find_at_once(const sip::uri& uri) { return find_known(uri); }

void locator::find(std::string_view uri, found done) {
  located result;
  if (auto search = begin(uri, result.error))
    ask(std::move(*search), std::move(done));
  else
    done(std::move(result));
}

void locator::ask(stack::server_location&& search, found&& done) {
  const auto question = search.question();
  if (!question) {
    located result{.targets = std::move(search.targets())};
    if (result.targets.empty()) result.error = routing_error::bad_address;
    return done(std::move(result));
  }
  auto take = [this, search = std::move(search),
               done = std::move(done)](const names::resolver::answer& all) mutable {
    search.take_addresses(all.value_or(std::vector<ip_address>{}));
    ask(std::move(search), std::move(done));
  };
  if (const auto known = names_.find(question->name, names::address_family::any))
    take(*known);
  else
    names_.resolve(question->name, names::address_family::any, std::move(take));
}

} // namespace tandem::server

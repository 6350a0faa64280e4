// SPDX-License-Identifier: Apache-2.0
// Finds the servers of a URI: stack::server_location asks, the resolver of the shard answers. One
// for each shard, used on its thread.
#pragma once

#include <tandem/server/routing_error.hpp>
#include <tandem/stack/server_location.hpp>

#include <functional>
#include <string_view>

namespace tandem::names {
class resolver;
}

namespace tandem::server {

/// What a search brought: targets in the order to try them, or why there are none.
struct located {
  stack::server_location::target_list targets;
  routing_error error = routing_error::none;
};

class locator {
 public:
  using found = std::function<void(located&&)>;

  /// \param names outlives the locator.
  explicit locator(names::resolver& names) noexcept : names_{names} {}

  /// Finds what needs no search, or why there is nothing to find; both are empty when it does need
  /// one.
  [[nodiscard]] static located find_at_once(std::string_view uri);
  [[nodiscard]] static located find_at_once(const sip::uri& uri);

  /// Asks for what the URI names. `done` is called once, from inside this call or later.
  /// \param uri lives until then.
  void find(std::string_view uri, found done);

 private:
  void ask(stack::server_location&& search, found&& done);

  names::resolver& names_;
};

} // namespace tandem::server

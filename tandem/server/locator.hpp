// SPDX-License-Identifier: Apache-2.0
// From a URI to addresses to send to (RFC 3263, by address and by host name). One for each shard,
// used on its thread.
#pragma once

#include <tandem/server/routing_error.hpp>
#include <tandem/stack/target.hpp>

#include <boost/container/small_vector.hpp>
#include <functional>
#include <optional>
#include <string_view>

namespace tandem::names {
class resolver;
}

namespace tandem::server {

/// What a search brought: addresses in the order to try them, or why there are none. Mostly one.
struct located {
  boost::container::small_vector<stack::target, 1> targets;
  routing_error error = routing_error::none;
};

class locator {
 public:
  using found = std::function<void(located&&)>;

  /// \param names outlives the locator.
  explicit locator(names::resolver& names) noexcept : names_{names} {}

  /// The one target of a URI that needs no search; nothing when it does, or when it leads nowhere
  /// (then `error` says why, and is left alone otherwise).
  /// \param uri the URI of the next hop
  [[nodiscard]] static std::optional<stack::target> find_literal(std::string_view uri,
                                                                 routing_error& error);

  /// Looks the host of a URI up. `done` is called once, from inside this call or later.
  void find(std::string_view uri, found done);

 private:
  names::resolver& names_;
};

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
// Where a request goes: its Request-URI and branches as ways, each with the addresses to send to
// (RFC 3261 16.5, 16.6 steps 6 and 7; RFC 3263). One thread.
#pragma once

#include <tandem/script/registry.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/routing_error.hpp>
#include <tandem/stack/server_location.hpp>
#include <tandem/transport/locator.hpp>

#include <boost/container/static_vector.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace tandem::server {

/// What a search brought: targets in the order to try them, or why there are none.
struct located {
  stack::server_location::target_list targets;
  routing_error error = routing_error::none;
};

/// A Request-URI with the way to it.
struct way {
  std::string_view uri;
  std::string_view hop_uri; ///< leads to the next hop where nothing is found yet
  std::string_view path;    ///< Route values to put on top (RFC 3327)
  located found;
  stack::named_by named = stack::named_by::us;
  std::uint32_t paid = 0; ///< see reachability

  [[nodiscard]] bool is_to_be_found() const noexcept {
    return found.targets.empty() && found.error == routing_error::none;
  }
  /// As the proxy takes it; views the way.
  [[nodiscard]] stack::forward_to with(const stack::recorded_entry* recorded) const noexcept {
    return {.uri = uri,
            .targets = found.targets,
            .path = path,
            .recorded = recorded,
            .named = named,
            .paid = paid};
  }
};

inline constexpr std::size_t most_ways = destination_set::limit + 1;

/// The ways of one request, which view its context, and what they view beside.
struct way_list {
  boost::container::static_vector<way, most_ways> all;
  std::string route_hop; ///< the next hop where a Route says it
};

class way_finder {
 public:
  explicit way_finder(core& owner);

  /// The Request-URI and the branches; in a failure_route the branches alone, since the Request-URI
  /// was tried already.
  static void collect(const message_context& m, way_list& ways);

  using found_ways = std::function<script::outcome(message_context&, std::span<way>)>;

  /// Finds the ways that need no search: addresses, and what a registration has told.
  /// \param m     whose ways they are
  /// \return false when some need search()
  static bool find_at_once(const message_context& m, std::span<way> ways);

  /// Looks the host names of the others up; the script waits. \param then goes on with copies of
  /// the ways, of which each has found something or says why not.
  script::outcome search(message_context& m, std::span<const way> ways, found_ways then);

 private:
  struct searched;

  void find(std::string_view uri, std::function<void(located&&)> done);

  core& core_;
  transport::locator locator_;
};

} // namespace tandem::server

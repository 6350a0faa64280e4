// SPDX-License-Identifier: Apache-2.0
// Finds the servers of a URI (RFC 3263): stack::server_location asks, the resolver of the shard
// answers. One for each shard, used on its thread.
//
//   locator{names}.find(*server_location::of(uri), [](server_location& found) {
//     for (const auto& to : found.targets()) ...
//   });
#pragma once

#include <tandem/stack/server_location.hpp>

#include <functional>
#include <memory>

namespace tandem::names {
class resolver;
}

namespace tandem::transport {

class locator {
 public:
  /// Gets the search when it is over; its targets may be taken out of it.
  using found = std::function<void(stack::server_location&)>;
  /// Gets each answer, before it is taken; both live for the call.
  using observer =
      std::function<void(const stack::dns_question&, const stack::server_location::answer&)>;

  /// \param names outlives the locator.
  explicit locator(names::resolver& names) noexcept : names_{names} {}

  /// Runs a search to its end. What stands in the cache of the resolver is not waited for; the
  /// questions of a step are asked together. Without memory std::bad_alloc comes from here, or,
  /// once something was asked, `done` is destroyed uncalled. \param search what it views lives
  /// until `done` is called or destroyed \param done   called once, from inside this call or later
  void find(stack::server_location&& search, found done, observer on_answer = {});

 private:
  struct run;
  static void go_on(const std::shared_ptr<run>& of);

  names::resolver& names_;
};

} // namespace tandem::transport

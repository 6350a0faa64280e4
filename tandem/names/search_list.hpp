// SPDX-License-Identifier: Apache-2.0
// The names that a short host name may stand for (resolv.conf(5): search, domain, ndots), for
// programs whose user types one. A server looks names up as they are written: a domain of its own
// behind a name from a message would lead elsewhere (RFC 1535). Values, any thread.
#pragma once

#include <tandem/names/resolver.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::names {

struct search_list {
  std::vector<std::string> domains; ///< in the order in which they are tried
  std::size_t ndots = 1; ///< a name with so many dots is tried as it is first, another one last

  /// Reads the text of a resolv.conf. Of several lines "search" or "domain" the last counts; where
  /// there is none, the domain is that of the host.
  /// \param host_name as gethostname(2) has it.
  [[nodiscard]] static search_list parse(std::string_view text, std::string_view host_name);
  /// That of a file; of one that cannot be read what an empty one says. Blocking.
  [[nodiscard]] static search_list read(const std::string& path = "/etc/resolv.conf");

  /// What to look up, in order. An address, and a name that ends with a dot, stand for themselves.
  [[nodiscard]] std::vector<std::string> names_for(std::string_view host) const;
};

/// Looks up the names that `host` may stand for until one has an address, and waits for it: the
/// loop runs meanwhile. What the hosts file has is taken as it is written first. Where no
/// name has an address, a failure is told that another try may not meet, if there was one.
/// \param limit for all of it.
[[nodiscard]] resolver::answer find_by_search(io::shard& loop, resolver& names,
                                              const search_list& list, std::string_view host,
                                              duration limit);

} // namespace tandem::names

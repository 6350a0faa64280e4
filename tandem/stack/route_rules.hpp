// SPDX-License-Identifier: Apache-2.0
// Route and Request-URI on their way through a proxy (RFC 3261 16.4, 16.6, 16.12). Pure functions
// over a message; any thread.
#pragma once

#include <tandem/sip/uri.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tandem::sip {
class message;
}

namespace tandem::stack {

/// Whether a URI leads to this element.
using is_own_uri = std::function<bool(const sip::uri&)>;

/// What was found at the head of the route, and taken away.
struct route_step {
  bool had_route = false;  ///< there was a Route header
  bool was_strict = false; ///< the hop before is a strict router: the Request-URI was ours
  unsigned removed = 0;    ///< entries of ours that were taken away, two after double Record-Route
  bool has_more = false;   ///< entries are left: the next hop is the first of them
};

/// RFC 3261 16.4: undoes what a strict router before us did (the Request-URI is ours, the real one
/// is the last Route), and takes our own entry from the head of the route; a second one too when
/// both carry the parameter r2, which double Record-Route of ours writes.
/// \param own_params becomes the parameters of the URI of ours that was taken away, without the
///                   first semicolon; empty when none was.
[[nodiscard]] route_step take_own_route(sip::message& request, const is_own_uri& is_own,
                                        std::string& own_params);

/// What apply_strict_route did.
enum class strict_route : std::uint8_t {
  none,       ///< nothing: there is no route, or a loose one
  applied,    ///< the request was changed
  unreadable, ///< the entry leads nowhere: see fault_of_route()
};

/// RFC 3261 16.6 step 6: when the next entry is a strict router, the Request-URI goes to the end of
/// the route and the entry takes its place. Call it for each branch after its Request-URI is set.
[[nodiscard]] strict_route apply_strict_route(sip::message& request);

/// Why the first Route leads nowhere, for the reason phrase of a 400 (RFC 3261 21.4.1); empty when
/// it leads somewhere, or when there is none.
[[nodiscard]] std::string fault_of_route(const sip::message& request);

/// RFC 3261 16.6 step 7: the URI of the next hop: the first Route, else the Request-URI. Call it
/// before apply_strict_route: a strict router is the next hop too, and takes its URI from there.
[[nodiscard]] std::string next_hop_uri(const sip::message& request);

} // namespace tandem::stack

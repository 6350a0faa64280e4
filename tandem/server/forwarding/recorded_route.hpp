// SPDX-License-Identifier: Apache-2.0
// What a run of the script has recorded of the route (stack/record_route has the rules), and what
// that means for each way that the request takes. One thread.
#pragma once

#include <tandem/server/message_context.hpp>
#include <tandem/stack/forwarding.hpp>

#include <cstdint>
#include <optional>

namespace tandem::server {

class core;

/// message_context::state<recorded_route>()
struct recorded_route {
  enum class kind : std::uint8_t {
    none,
    single, ///< one entry of ours, for the side it came from; a second one where it is needed
    preset, ///< exactly what the script says
  };
  /// A request that follows an entry of ours within its dialog: what it and its response say of
  /// Contact counts for the dialog.
  enum class dialog : std::uint8_t { unknown, ours };

  kind made = kind::none;
  dialog within = dialog::unknown;
  stack::record_route_rules rules;

  void clear() noexcept {
    made = kind::none;
    within = dialog::unknown;
  }
};

/// Who moved within a dialog, on one shard: core::state<moved_parties>().
struct moved_parties {
  explicit moved_parties(core&) {}
  stack::refreshed_targets all;
};

/// Where the request came from, by the socket or connection that it came in on.
[[nodiscard]] stack::target way_back(const message_context& m);

/// Writes the marks into what the run has recorded; when the request is about to leave.
void seal_recorded(message_context& m);

/// RFC 3261 12.2: whoever sends within a dialog says where he is from now on, in the Contact that
/// leaves; when the request has left.
void note_where_sender_is(message_context& m);

/// What the run has recorded, for the copies that leave; nothing when it has recorded nothing.
[[nodiscard]] std::optional<stack::recorded_entry> recorded_entry_of(const message_context& m);

} // namespace tandem::server

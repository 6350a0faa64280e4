// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/recorded_route.hpp>

#include <tandem/server/core.hpp>

namespace tandem::server {

stack::target way_back(const message_context& m) {
  stack::target back;
  back.address = m.from().source;
  back.transport = m.from().transport;
  back.flow = m.from().flow;
  return back;
}

void seal_recorded(message_context& m) {
  const auto* const recorded = m.find_state<recorded_route>();
  if (recorded && recorded->made != recorded_route::kind::none)
    stack::seal_record_route(m.message(), m.core().transactions().secret());
}

void note_where_sender_is(message_context& m) {
  const auto* const recorded = m.find_state<recorded_route>();
  if (recorded && recorded->within == recorded_route::dialog::ours)
    stack::note_refresh(m.message(), m.core().transactions().secret(),
                        m.core().state<moved_parties>().all);
}

std::optional<stack::recorded_entry> recorded_entry_of(const message_context& m) {
  const auto* const recorded = m.find_state<recorded_route>();
  if (!recorded || recorded->made == recorded_route::kind::none) return std::nullopt;
  stack::recorded_entry entry{recorded->rules, way_back(m)};
  if (recorded->made == recorded_route::kind::preset) entry.rules.enable_double_rr = false;
  return entry;
}

} // namespace tandem::server

// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/forwarding/recorded_route.hpp>

#include <tandem/server/core.hpp>

namespace tandem::server {

namespace {

/// The address of ours that the copy leaves by, when it is another one than the request came by;
/// else empty.
std::string_view other_side(const message_context& m, const recorded_route& recorded,
                            const stack::target& to) {
  if (recorded.made != recorded_route::kind::single || !recorded.rules.enable_double_rr) return {};
  // Without such a listener nothing leaves: sending will say so.
  const stack::outbox& out = m.home().out();
  const std::string_view leaves_by = out.sent_by(to);
  const bool is_same = to.transport == m.from().transport && leaves_by == out.sent_by(way_back(m));
  return is_same ? std::string_view{} : leaves_by;
}

} // namespace

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
    stack::seal_record_route(m.message(), m.home().transactions().secret());
}

void note_where_sender_is(message_context& m) {
  const auto* const recorded = m.find_state<recorded_route>();
  if (recorded && recorded->within == recorded_route::dialog::ours)
    stack::note_refresh(m.message(), m.home().transactions().secret(),
                        m.home().state<moved_parties>().all);
}

bool is_recorded_apart(const message_context& m, const stack::target& to) {
  const auto* const recorded = m.find_state<recorded_route>();
  if (!recorded || recorded->made == recorded_route::kind::none) return false;
  return to.flow || !other_side(m, *recorded, to).empty();
}

bool record_apart(const message_context& m, sip::message& leaving, const stack::target& to) {
  const recorded_route& recorded = *m.find_state<recorded_route>();
  stack::route_entry second{
      .user = {}, .sent_by = other_side(m, recorded, to), .transport = to.transport};
  if (recorded.rules.add_username)
    if (const auto uri = m.parsed_uri(); uri && uri->is_sip()) second.user = uri->user();
  return stack::record_way(leaving, recorded.rules, second.sent_by.empty() ? nullptr : &second,
                           to.flow ? stack::flow_token{to} : stack::flow_token{}) &&
         stack::seal_record_route(leaving, m.home().transactions().secret());
}

} // namespace tandem::server

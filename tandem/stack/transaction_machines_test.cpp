// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/timer_settings.hpp>
#include <tandem/stack/transaction_machines.hpp>

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <vector>

namespace tandem::stack {
namespace {

using s = transaction_state;
using e = transaction_event;
using k = transaction_kind;

constexpr k all_kinds[]{k::client_invite, k::client_non_invite, k::server_invite,
                        k::server_non_invite};

s first_state(k kind) {
  if (kind == k::client_invite) return s::calling;
  return kind == k::server_invite ? s::proceeding : s::trying;
}

std::set<s> reachable_states(k kind) {
  std::set<s> seen{first_state(kind)};
  for (bool grew = true; grew;) {
    grew = false;
    for (std::size_t i = 0; i < machine_of(kind).size(); ++i) {
      const auto& row = machine_of(kind)[i];
      if (seen.contains(row.state)) grew |= seen.insert(row.next).second;
    }
  }
  return seen;
}

TEST(transaction_machines, every_state_of_a_row_is_reached_and_every_machine_ends) {
  for (const k kind : all_kinds) {
    const auto reachable = reachable_states(kind);
    EXPECT_TRUE(reachable.contains(s::terminated)) << name_of(kind);
    for (std::size_t i = 0; i < machine_of(kind).size(); ++i)
      EXPECT_TRUE(reachable.contains(machine_of(kind)[i].state))
          << name_of(kind) << ' ' << name_of(machine_of(kind)[i].state);
  }
}

TEST(transaction_machines, what_a_peer_can_cause_has_a_row_in_every_living_state) {
  for (const k kind : all_kinds) {
    auto causes = is_client(kind) ? std::vector{e::response_1xx, e::response_2xx,
                                                e::response_failure, e::transport_error}
                                  : std::vector{e::request, e::transport_error};
    if (kind == k::server_invite) causes.push_back(e::ack);
    for (const s state : reachable_states(kind)) {
      if (state == s::terminated) continue;
      for (const e event : causes)
        EXPECT_TRUE(machine_of(kind).find(state, event))
            << name_of(kind) << ' ' << name_of(state) << ' ' << name_of(event);
    }
  }
}

TEST(transaction_machines, a_terminated_transaction_has_no_row) {
  for (const k kind : all_kinds)
    for (std::size_t i = 0; i < transaction_table::event_count; ++i)
      EXPECT_FALSE(machine_of(kind).find(s::terminated, static_cast<e>(i)));
}

TEST(transaction_machines, the_end_of_every_waiting_time_has_a_row) {
  for (const k kind : all_kinds)
    for (const s state : reachable_states(kind)) {
      if (state == s::terminated) continue;
      if (kind == k::server_non_invite && state == s::proceeding) continue; // waits for its user
      EXPECT_TRUE(machine_of(kind).find(state, expiry_of(kind, state)))
          << name_of(kind) << ' ' << name_of(state);
    }
}

// A silent defect of other stacks: a client INVITE that timed out after 64*T1 of ringing.
TEST(transaction_machines, timer_b_is_impossible_once_a_provisional_came) {
  EXPECT_FALSE(machine_of(k::client_invite).find(s::proceeding, e::timer_b));
  EXPECT_EQ(expiry_of(k::client_invite, s::proceeding), e::timer_c);
}

TEST(transaction_machines, a_2xx_does_not_end_an_invite_transaction) {
  for (const auto& [kind, event] :
       {std::tuple{k::client_invite, e::response_2xx}, std::tuple{k::server_invite, e::user_2xx}})
    EXPECT_EQ(machine_of(kind).find(s::proceeding, event)->next, s::accepted);
}

TEST(timer_settings, follow_table_4_of_rfc_3261) {
  const timer_settings t = timer_settings::of(milliseconds{500}, seconds{4}, seconds{5});
  const timer_settings plain;
  for (const auto part :
       {&timer_settings::timer_b, &timer_settings::timer_d, &timer_settings::timer_f,
        &timer_settings::timer_h, &timer_settings::timer_j, &timer_settings::timer_l,
        &timer_settings::timer_m}) {
    EXPECT_EQ(t.*part, seconds{32});
    EXPECT_EQ(plain.*part, seconds{32});
  }
  EXPECT_GT(t.timer_c, seconds{180});
  EXPECT_EQ(t.trying_other, milliseconds{3500});
}

TEST(timer_settings, take_the_names_of_the_tm_module) {
  timer_settings t;
  EXPECT_TRUE(t.set("fr_timer", seconds{30}));
  EXPECT_TRUE(t.set("fr_inv_timer", seconds{120}));
  EXPECT_TRUE(t.set("wt_timer", seconds{5}));
  EXPECT_TRUE(t.set("retr_timer1p1", seconds{1}));
  EXPECT_TRUE(t.set("retr_timer2", seconds{3}));
  EXPECT_TRUE(t.set("delete_timer", seconds{2}));
  EXPECT_FALSE(t.set("fr_timr", seconds{2}));
  EXPECT_EQ(t.timer_b, seconds{30});
  EXPECT_EQ(t.timer_f, seconds{30});
  EXPECT_EQ(t.timer_c, seconds{120});
  EXPECT_EQ(t.timer_j, seconds{5});
  EXPECT_EQ(t.t1, seconds{1});
  EXPECT_EQ(t.t2, seconds{3});
}

} // namespace
} // namespace tandem::stack

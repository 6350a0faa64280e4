// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/response_context.hpp>

#include <gtest/gtest.h>

#include <array>

namespace tandem::stack {
namespace {

using s = response_state;
using e = response_event;
using a = response_action;

constexpr std::array states{s::collecting, s::deciding, s::answered, s::over};
constexpr std::array events{e::branch_failed, e::all_failed,    e::succeeded,
                            e::user_answers,  e::user_forwards, e::user_passes,
                            e::user_is_still, e::dropped,       e::gave_up};
static_assert(states.size() == response_table::state_count);
static_assert(events.size() == response_table::event_count);

TEST(response_machine, has_a_row_in_every_state_for_what_a_peer_can_cause) {
  for (const s state : states)
    for (const e event : {e::branch_failed, e::all_failed, e::succeeded})
      EXPECT_TRUE(response_machine().find(state, event));
}

// RFC 3261 16.7 step 5
TEST(response_machine, sends_one_final_response_and_beside_it_nothing_but_a_2xx) {
  for (const s state : states)
    for (const e event : events) {
      const auto* const row = response_machine().find(state, event);
      if (!row) continue;
      const bool is_open = state == s::collecting || state == s::deciding;
      EXPECT_FALSE(row->actions.has(a::send_final) && !is_open);
      EXPECT_EQ(row->actions.has(a::send_final), is_open && row->next == s::answered);
      EXPECT_EQ(row->actions.has(a::send_more), !is_open && event == e::succeeded);
    }
}

TEST(response_machine, never_goes_back_from_answered_or_over) {
  for (const e event : events) {
    if (const auto* const row = response_machine().find(s::over, event)) {
      EXPECT_EQ(row->next, s::over);
    }
    if (const auto* const row = response_machine().find(s::answered, event)) {
      EXPECT_TRUE(row->next == s::answered || row->next == s::over);
    }
  }
}

// RFC 4320 4.2: silence is told to the user and remembered below, wherever it is chosen.
TEST(response_machine, absorbs_the_copies_of_what_is_never_answered) {
  for (const s state : {s::collecting, s::deciding})
    for (const e event : events)
      if (const auto* const row = response_machine().find(state, event)) {
        EXPECT_EQ(row->actions.has(a::abandon), row->next == s::over);
      }
}

TEST(response_machine, asks_the_user_once_for_each_time_that_all_have_failed) {
  for (const s state : states)
    for (const e event : events)
      if (const auto* const row = response_machine().find(state, event)) {
        EXPECT_EQ(row->actions.has(a::show_failure),
                  state == s::collecting && event == e::all_failed);
      }
}

} // namespace
} // namespace tandem::stack

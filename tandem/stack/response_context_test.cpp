// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/response_context.hpp>

#include <gtest/gtest.h>

#include <array>

namespace tandem::stack {
namespace {

using a = response_action;

constexpr std::array states{response_state::collecting, response_state::deciding,
                            response_state::answered, response_state::over};
constexpr std::array events{
    response_event::branch_failed, response_event::all_failed,    response_event::succeeded,
    response_event::user_answers,  response_event::user_forwards, response_event::user_passes,
    response_event::user_is_still, response_event::dropped,       response_event::gave_up};
static_assert(states.size() == response_table::state_count);
static_assert(events.size() == response_table::event_count);

TEST(response_machine, has_a_row_in_every_state_for_what_a_peer_can_cause) {
  for (const response_state state : states)
    for (const response_event event :
         {response_event::branch_failed, response_event::all_failed, response_event::succeeded})
      EXPECT_TRUE(response_machine().find(state, event));
}

// RFC 3261 16.7 step 5
TEST(response_machine, sends_one_final_response_and_beside_it_nothing_but_a_2xx) {
  for (const response_state state : states)
    for (const response_event event : events) {
      const auto* const row = response_machine().find(state, event);
      if (!row) continue;
      const bool is_open = state == response_state::collecting || state == response_state::deciding;
      EXPECT_FALSE(row->actions.has(a::send_final) && !is_open);
      EXPECT_EQ(row->actions.has(a::send_final), is_open && row->next == response_state::answered);
      EXPECT_EQ(row->actions.has(a::send_more), !is_open && event == response_event::succeeded);
    }
}

TEST(response_machine, never_goes_back_from_answered_or_over) {
  for (const response_event event : events) {
    if (const auto* const row = response_machine().find(response_state::over, event)) {
      EXPECT_EQ(row->next, response_state::over);
    }
    if (const auto* const row = response_machine().find(response_state::answered, event)) {
      EXPECT_TRUE(row->next == response_state::answered || row->next == response_state::over);
    }
  }
}

// RFC 4320 4.2: silence is told to the user and remembered below, wherever it is chosen.
TEST(response_machine, absorbs_the_copies_of_what_is_never_answered) {
  for (const response_state state : {response_state::collecting, response_state::deciding})
    for (const response_event event : events)
      if (const auto* const row = response_machine().find(state, event)) {
        EXPECT_EQ(row->actions.has(a::abandon), row->next == response_state::over);
      }
}

TEST(response_machine, asks_the_user_once_for_each_time_that_all_have_failed) {
  for (const response_state state : states)
    for (const response_event event : events)
      if (const auto* const row = response_machine().find(state, event)) {
        EXPECT_EQ(row->actions.has(a::show_failure),
                  state == response_state::collecting && event == response_event::all_failed);
      }
}

} // namespace
} // namespace tandem::stack

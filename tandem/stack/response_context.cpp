// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/response_context.hpp>

namespace tandem::stack {

const response_table& response_machine() noexcept {
  using s = response_state;
  using e = response_event;
  using a = response_action;
  using set = action_set<response_action>;
  constexpr set nothing{};

  static constexpr response_table machine{
      {s::collecting, e::branch_failed, a::keep_failure, s::collecting, "RFC 3261 16.7 step 4"},
      {s::collecting, e::all_failed, set{a::keep_failure} | a::show_failure, s::deciding,
       "RFC 3261 16.7 step 6"},
      {s::collecting, e::succeeded, set{a::cancel_branches} | a::send_final, s::answered,
       "RFC 3261 16.7 steps 5 and 10"},
      {s::collecting, e::user_answers, set{a::cancel_branches} | a::send_final, s::answered,
       "RFC 3261 16.7 step 10"},
      {s::collecting, e::dropped, set{a::cancel_branches} | a::abandon, s::over, "RFC 4320 4.2"},
      // Deviates: SER forgets a request that rings for too long, where its operator wants it.
      {s::collecting, e::gave_up, set{a::cancel_branches} | a::tell_silence | a::abandon, s::over,
       "RFC 3261 16.8"},

      // Branches that the user adds may fail or succeed before it says that it has done so.
      {s::deciding, e::branch_failed, a::keep_failure, s::deciding, "RFC 3261 16.7 step 4"},
      {s::deciding, e::all_failed, a::keep_failure, s::deciding, "RFC 3261 16.7 step 4"},
      {s::deciding, e::succeeded, set{a::cancel_branches} | a::send_final, s::answered,
       "RFC 3261 16.7 steps 5 and 10"},
      {s::deciding, e::user_answers, set{a::cancel_branches} | a::send_final, s::answered,
       "RFC 3261 16.7 step 10"},
      {s::deciding, e::user_forwards, nothing, s::collecting, "RFC 3261 16.6"},
      {s::deciding, e::user_passes, a::send_final, s::answered, "RFC 3261 16.7 step 6"},
      {s::deciding, e::user_is_still, set{a::tell_silence} | a::abandon, s::over, "RFC 4320 4.2"},
      {s::deciding, e::dropped, set{a::cancel_branches} | a::abandon, s::over, "RFC 4320 4.2"},
      {s::deciding, e::gave_up, set{a::cancel_branches} | a::tell_silence | a::abandon, s::over,
       "RFC 3261 16.8"},

      {s::answered, e::branch_failed, nothing, s::answered, "RFC 3261 16.7 step 5"},
      {s::answered, e::all_failed, nothing, s::answered, "RFC 3261 16.7 step 5"},
      {s::answered, e::succeeded, a::send_more, s::answered, "RFC 3261 16.7 step 5"},
      {s::answered, e::dropped, a::cancel_branches, s::over, "RFC 3261 16.10"},

      {s::over, e::branch_failed, nothing, s::over, "RFC 3261 16.7 step 5"},
      {s::over, e::all_failed, nothing, s::over, "RFC 3261 16.7 step 5"},
      {s::over, e::succeeded, a::send_more, s::over, "RFC 3261 16.7 step 5"},
  };
  return machine;
}

} // namespace tandem::stack

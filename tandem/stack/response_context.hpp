// SPDX-License-Identifier: Apache-2.0
// What a proxy knows of a request that it forwarded (RFC 3261 16.2: response context) and of each
// of its branches, and the machine that the context runs (16.7) as a table. Values in the proxy's
// tables; internal to proxy, whose users hold handles.
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/stack/branch.hpp>
#include <tandem/stack/forwarding.hpp>
#include <tandem/stack/kept_bytes.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/stack/reflection.hpp>
#include <tandem/stack/transaction_user.hpp>
#include <tandem/stack/transition_table.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::stack {

class proxy_user;
struct response_context;

enum class response_state : std::uint8_t {
  collecting, ///< no final response yet, and branches may still bring one
  deciding,   ///< all have failed, and the user thinks about what to do
  answered,   ///< a final response went upstream
  over,       ///< none ever will
  count_
};

enum class response_event : std::uint8_t {
  branch_failed, ///< and others have not ended
  all_failed,    ///< every branch has; also a CANCEL before there was any
  succeeded,     ///< a 2xx of a branch
  user_answers,  ///< a final response of the user's own
  user_forwards, ///< asked about a failure, the user has added branches
  user_passes,   ///< asked about a failure, the user has nothing to add
  user_is_still, ///< the same where a failure must not be told upstream
  dropped,       ///< the user forgets the request
  gave_up,       ///< timer C of a request that may be forgotten without an answer
  count_
};

/// What a row orders, in the order in which it is done.
enum class response_action : std::uint8_t {
  keep_failure,    ///< it may be the best one
  cancel_branches, ///< those that are pending
  send_final,      ///< upstream, and nothing else after it but a 2xx
  send_more,       ///< a 2xx beside the final response, of an INVITE
  tell_silence,    ///< the user hears that there will be no answer
  abandon,         ///< copies of the request are absorbed
  show_failure,    ///< the user is asked
};

using response_table = transition_table<response_state, response_event, response_action>;

/// What a peer can cause has a row in every state; a user that comes too late finds none.
[[nodiscard]] const response_table& response_machine() noexcept;

/// Whether an event may come in a state that has no row for it: a user is late, and is told so. Any
/// other pair without a row is a fault of ours.
[[nodiscard]] constexpr bool may_come_too_late(response_event event) noexcept {
  return event == response_event::user_answers || event == response_event::dropped;
}
struct proxy_branch;

using context_handle = handle<response_context>;
using branch_handle = handle<proxy_branch>;

/// WWW-Authenticate and Proxy-Authenticate of the branches (RFC 3261 16.7 step 7).
struct gathered_challenge {
  branch_handle from;
  bool is_proxy = false;
  std::string value;
};

/// Other addresses of a branch, to be tried one after the other (RFC 3263 4.3).
struct branch_detour {
  kept_message request; ///< as it was sent to the last one, or as it was addressed
  bool has_via = true;  ///< it was sent, our Via on top
  /// How it was recorded: each address has entries of its own.
  std::optional<recorded_entry> recorded;
  std::vector<target> left; ///< to be tried from the last to the first
};

/// A response that came while the user holds an earlier one of its branch.
struct waiting_reply {
  sip::message response;
  arrival from;
  kept_charge charge;
};

/// One client transaction, or the row of those that tried the addresses of one target.
struct proxy_branch {
  context_handle context;
  branch_handle next; ///< of the same context
  client_handle client;
  named_by named = named_by::stranger;
  std::uint16_t status = 0;              ///< final one, received or local; 0 while it is pending
  std::unique_ptr<branch_detour> detour; ///< only where there is more than one way
  bool is_held = false;                  ///< the user has a response of it
  kept_charge held;                      ///< for that one
  target to;                             ///< that is tried now
  std::uint32_t reserved = 0;            ///< bytes for a datagram, should TCP be refused
  bool is_reserve_paid = false;          ///< those were taken, not lent
  bool is_by_flow = false;               ///< it took a connection that there is one of
  /// What came behind that one.
  std::unique_ptr<std::deque<waiting_reply>> behind;

  [[nodiscard]] bool is_pending() const noexcept { return status == 0; }
};

struct response_context {
  server_handle server;
  proxy_user* user = nullptr;
  user_tag tag;
  routing_id routing;   ///< of the request as it came
  kept_message request; ///< as it was at the last relay
  kept_message arrived; ///< as it came; none where responses to `request` look the same
  kept_message best;    ///< the failure that would go upstream; none when it is local
  branch_handle first_branch;
  branch_handle best_branch;
  std::unique_ptr<std::vector<gathered_challenge>> challenges;
  kept_charge gathered;     ///< for these
  reflection_budget budget; ///< of its client transactions
  std::uint16_t best_status = 0;
  std::uint16_t final_status = 0; ///< what went upstream
  std::uint16_t branches = 0;     ///< targets that it was forwarded to, over its whole life
  std::uint16_t clients = 0;      ///< client transactions: one for each address tried
  std::uint16_t pending = 0;
  std::uint16_t held =
      0; ///< responses that the user has, or has not been shown yet; a failure, too
  response_state state = response_state::collecting;
  bool request_has_via = false; ///< what is kept is what a branch has sent, our Via on top
  bool is_invite = false;
  bool is_in_dialog = false;
  bool has_answered = false; ///< any response went upstream
  bool is_cancelled = false;
  bool is_asked = false;      ///< the user has the failure, or is about to have it
  bool may_be_silent = false; ///< timer C forgets it without an answer

  /// No final response went upstream, and one may.
  [[nodiscard]] bool is_open() const noexcept {
    return state == response_state::collecting || state == response_state::deciding;
  }
};

} // namespace tandem::stack

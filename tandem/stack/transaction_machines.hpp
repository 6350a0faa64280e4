// SPDX-License-Identifier: Apache-2.0
// The four transaction machines: RFC 3261 17 as RFC 6026 corrects it, with the rules of RFC 4320
// for requests other than INVITE. What the tables say, client_transaction and server_transaction
// do. Constants, any thread.
#pragma once

#include <tandem/stack/transition_table.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::stack {

/// The machine that a transaction runs.
enum class transaction_kind : std::uint8_t {
  client_invite,
  client_non_invite,
  server_invite,
  server_non_invite,
};

/// States of all four; a machine has some of them.
enum class transaction_state : std::uint8_t {
  calling,    ///< client INVITE sent, nothing heard
  trying,     ///< other request sent or received, no response yet
  proceeding, ///< a provisional response came or went; a server INVITE begins here
  completed,  ///< a final response came or went
  confirmed,  ///< server INVITE: the ACK came
  accepted,   ///< INVITE answered by a 2xx (RFC 6026)
  terminated, ///< gone
  count_
};

enum class transaction_event : std::uint8_t {
  response_1xx,     ///< from the network
  response_2xx,     ///< from the network
  response_failure, ///< 300 to 699 from the network
  request,          ///< the request once more
  ack,              ///< ACK that matches a server INVITE
  user_1xx,         ///< the user answers
  user_2xx,
  user_failure,
  user_abandons, ///< the user will not answer
  transport_error,
  timer_a,         ///< send the INVITE again
  timer_b,         ///< give the INVITE up
  timer_c,         ///< the user's limit of a ringing INVITE (RFC 3261 16.6 step 11)
  timer_d,         ///< forget a refused INVITE
  timer_e,         ///< send another request again
  timer_f,         ///< give another request up
  timer_g,         ///< send the final response to an INVITE again
  timer_h,         ///< give waiting for the ACK up
  timer_i,         ///< forget a confirmed INVITE
  timer_j,         ///< forget another request
  timer_k,         ///< forget another request
  timer_l,         ///< forget an accepted INVITE
  timer_m,         ///< forget an accepted INVITE
  timer_trying,    ///< the user was silent: 100 is due
  timer_cancelled, ///< silence for 64*T1 after CANCEL
  count_
};

/// What a row orders, in the order in which it is done: first what goes on the wire, then the
/// timers, last what the user hears.
enum class transaction_action : std::uint8_t {
  send_request,    ///< the request again
  send_ack,        ///< ACK for a final response other than 2xx
  send_response,   ///< what the user answers
  resend_response, ///< the last response, if there was one
  double_interval, ///< next retransmission after twice the time, without limit (timer A)
  cap_interval,    ///< next retransmission after twice the time, T2 at most (timers E, G)
  slow_interval,   ///< next retransmission after T2 (timer E in Proceeding)
  stop_timers,
  start_c, ///< and stop the others
  start_d,
  start_g_h,
  start_i,
  start_j,
  start_k,
  start_l,
  start_m,
  pass_response,
  pass_ack,
  report_timeout,
  report_transport_error,
  report_timer_c,
  report_cancel_timeout,
  report_no_ack,
  report_silence, ///< the user sends 100 now
};

using transaction_table =
    transition_table<transaction_state, transaction_event, transaction_action>;

/// The table of a machine.
[[nodiscard]] const transaction_table& machine_of(transaction_kind kind) noexcept;

/// The timer that the end of a transaction's waiting time means in a state: B, C, D, F, H ... M.
[[nodiscard]] transaction_event expiry_of(transaction_kind kind, transaction_state state) noexcept;

/// The timer that the end of the interval between two retransmissions means: A, E or G.
[[nodiscard]] transaction_event retransmission_of(transaction_kind kind) noexcept;

[[nodiscard]] constexpr bool is_client(transaction_kind kind) noexcept {
  return kind == transaction_kind::client_invite || kind == transaction_kind::client_non_invite;
}
[[nodiscard]] constexpr bool is_invite(transaction_kind kind) noexcept {
  return kind == transaction_kind::client_invite || kind == transaction_kind::server_invite;
}

/// For traces and test output: "proceeding", "timer_a", "client_invite".
[[nodiscard]] std::string_view name_of(transaction_state state) noexcept;
[[nodiscard]] std::string_view name_of(transaction_event event) noexcept;
[[nodiscard]] std::string_view name_of(transaction_kind kind) noexcept;

} // namespace tandem::stack

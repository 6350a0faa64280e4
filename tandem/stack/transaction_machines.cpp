// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/transaction_machines.hpp>

namespace tandem::stack {

namespace {

using s = transaction_state;
using e = transaction_event;
using a = transaction_action;
using set = action_set<transaction_action>;

constexpr set nothing{};

// What a peer can cause has a row in every state; only timers that do not run and users that break
// the rules leave a pair impossible.

constexpr transaction_table client_invite{
    {s::calling, e::timer_a, set{a::send_request} | a::double_interval, s::calling,
     "RFC 3261 17.1.1.2"},
    {s::calling, e::timer_b, a::report_timeout, s::terminated, "RFC 3261 17.1.1.2"},
    {s::calling, e::transport_error, a::report_transport_error, s::terminated, "RFC 3261 17.1.1.2"},
    // Timers A and B stop: a phone may ring for as long as timer C lets it.
    {s::calling, e::response_1xx, set{a::start_c} | a::pass_response, s::proceeding,
     "RFC 3261 17.1.1.2"},
    {s::calling, e::response_2xx, set{a::start_m} | a::pass_response, s::accepted, "RFC 6026 7.2"},
    {s::calling, e::response_failure, set{a::send_ack} | a::start_d | a::pass_response,
     s::completed, "RFC 3261 17.1.1.2"},

    {s::proceeding, e::response_1xx, a::pass_response, s::proceeding, "RFC 3261 17.1.1.2"},
    {s::proceeding, e::response_2xx, set{a::start_m} | a::pass_response, s::accepted,
     "RFC 6026 7.2"},
    {s::proceeding, e::response_failure, set{a::send_ack} | a::start_d | a::pass_response,
     s::completed, "RFC 3261 17.1.1.2"},
    {s::proceeding, e::timer_c, a::report_timer_c, s::proceeding, "RFC 3261 16.8"},
    {s::proceeding, e::timer_cancelled, a::report_cancel_timeout, s::terminated, "RFC 3261 9.1"},
    // The peer has the request, so the error is of an old copy or of a connection that it replaces.
    {s::proceeding, e::transport_error, nothing, s::proceeding, "RFC 3261 18.2.2"},

    {s::completed, e::response_failure, a::send_ack, s::completed, "RFC 3261 17.1.1.2"},
    {s::completed, e::response_1xx, nothing, s::completed, "RFC 3261 17.1.1.2"},
    // Another leaf of a fork below answered after the failure won: the caller must hear of it.
    {s::completed, e::response_2xx, set{a::start_m} | a::pass_response, s::accepted,
     "RFC 3261 16.7 step 5"},
    // The user has its final response; a lost ACK is sent again with the next copy of it.
    {s::completed, e::transport_error, nothing, s::completed, "RFC 3261 17.1.1.2"},
    {s::completed, e::timer_d, nothing, s::terminated, "RFC 3261 17.1.1.2"},

    {s::accepted, e::response_2xx, a::pass_response, s::accepted, "RFC 6026 7.2"},
    {s::accepted, e::response_1xx, nothing, s::accepted, "RFC 6026 7.2"},
    {s::accepted, e::response_failure, nothing, s::accepted, "RFC 6026 7.2"},
    {s::accepted, e::transport_error, nothing, s::accepted, "RFC 6026 7.2"},
    {s::accepted, e::timer_m, nothing, s::terminated, "RFC 6026 7.2"},
};

constexpr transaction_table client_non_invite{
    {s::trying, e::timer_e, set{a::send_request} | a::cap_interval, s::trying, "RFC 3261 17.1.2.2"},
    {s::trying, e::timer_f, a::report_timeout, s::terminated, "RFC 3261 17.1.2.2"},
    {s::trying, e::transport_error, a::report_transport_error, s::terminated, "RFC 3261 17.1.2.2"},
    {s::trying, e::response_1xx, a::pass_response, s::proceeding, "RFC 3261 17.1.2.2"},
    {s::trying, e::response_2xx, set{a::start_k} | a::pass_response, s::completed,
     "RFC 3261 17.1.2.2"},
    {s::trying, e::response_failure, set{a::start_k} | a::pass_response, s::completed,
     "RFC 3261 17.1.2.2"},

    {s::proceeding, e::timer_e, set{a::send_request} | a::slow_interval, s::proceeding,
     "RFC 3261 17.1.2.2"},
    {s::proceeding, e::timer_f, a::report_timeout, s::terminated, "RFC 3261 17.1.2.2"},
    {s::proceeding, e::transport_error, a::report_transport_error, s::terminated,
     "RFC 3261 17.1.2.2"},
    {s::proceeding, e::response_1xx, a::pass_response, s::proceeding, "RFC 3261 17.1.2.2"},
    {s::proceeding, e::response_2xx, set{a::start_k} | a::pass_response, s::completed,
     "RFC 3261 17.1.2.2"},
    {s::proceeding, e::response_failure, set{a::start_k} | a::pass_response, s::completed,
     "RFC 3261 17.1.2.2"},

    {s::completed, e::response_1xx, nothing, s::completed, "RFC 3261 17.1.2.2"},
    {s::completed, e::response_2xx, nothing, s::completed, "RFC 3261 17.1.2.2"},
    {s::completed, e::response_failure, nothing, s::completed, "RFC 3261 17.1.2.2"},
    {s::completed, e::transport_error, nothing, s::completed, "RFC 3261 17.1.2.2"},
    {s::completed, e::timer_k, nothing, s::terminated, "RFC 3261 17.1.2.2"},
};

constexpr transaction_table server_invite{
    {s::proceeding, e::request, a::resend_response, s::proceeding, "RFC 3261 17.2.1"},
    {s::proceeding, e::timer_trying, a::report_silence, s::proceeding, "RFC 3261 17.2.1"},
    {s::proceeding, e::user_1xx, set{a::send_response} | a::stop_timers, s::proceeding,
     "RFC 3261 17.2.1"},
    {s::proceeding, e::user_2xx, set{a::send_response} | a::start_l, s::accepted, "RFC 6026 7.1"},
    {s::proceeding, e::user_failure, set{a::send_response} | a::start_g_h, s::completed,
     "RFC 3261 17.2.1"},
    {s::proceeding, e::user_abandons, a::start_l, s::accepted, "RFC 6026 7.1"},
    {s::proceeding, e::ack, nothing, s::proceeding, "RFC 3261 17.2.1"},
    {s::proceeding, e::transport_error, a::report_transport_error, s::proceeding, "RFC 6026 8.5"},

    {s::completed, e::request, a::resend_response, s::completed, "RFC 3261 17.2.1"},
    {s::completed, e::ack, a::start_i, s::confirmed, "RFC 3261 17.2.1"},
    {s::completed, e::timer_g, set{a::resend_response} | a::cap_interval, s::completed,
     "RFC 3261 17.2.1"},
    {s::completed, e::timer_h, a::report_no_ack, s::terminated, "RFC 3261 17.2.1"},
    {s::completed, e::transport_error, a::report_transport_error, s::completed, "RFC 6026 8.5"},

    {s::confirmed, e::ack, nothing, s::confirmed, "RFC 3261 17.2.1"},
    {s::confirmed, e::request, nothing, s::confirmed, "RFC 3261 17.2.1"},
    {s::confirmed, e::transport_error, nothing, s::confirmed, "RFC 3261 17.2.1"},
    {s::confirmed, e::timer_i, nothing, s::terminated, "RFC 3261 17.2.1"},

    {s::accepted, e::request, nothing, s::accepted, "RFC 6026 7.1"},
    {s::accepted, e::ack, a::pass_ack, s::accepted, "RFC 6026 7.1"},
    {s::accepted, e::user_2xx, a::send_response, s::accepted, "RFC 6026 7.1"},
    {s::accepted, e::transport_error, a::report_transport_error, s::accepted, "RFC 6026 7.1"},
    {s::accepted, e::timer_l, nothing, s::terminated, "RFC 6026 7.1"},
};

constexpr transaction_table server_non_invite{
    {s::trying, e::request, nothing, s::trying, "RFC 3261 17.2.2"},
    {s::trying, e::timer_trying, a::report_silence, s::proceeding, "RFC 4320 4.1"},
    {s::trying, e::user_1xx, set{a::send_response} | a::stop_timers, s::proceeding,
     "RFC 3261 17.2.2"},
    {s::trying, e::user_2xx, set{a::send_response} | a::start_j, s::completed,
     "RFC 3261 17.2.2, errata 1470"},
    {s::trying, e::user_failure, set{a::send_response} | a::start_j, s::completed,
     "RFC 3261 17.2.2, errata 1470"},
    {s::trying, e::user_abandons, a::start_j, s::completed, "RFC 4320 4.2"},
    {s::trying, e::transport_error, a::report_transport_error, s::trying, "RFC 3261 17.2.4"},

    {s::proceeding, e::request, a::resend_response, s::proceeding, "RFC 3261 17.2.2"},
    {s::proceeding, e::user_1xx, a::send_response, s::proceeding, "RFC 3261 17.2.2"},
    {s::proceeding, e::user_2xx, set{a::send_response} | a::start_j, s::completed,
     "RFC 3261 17.2.2"},
    {s::proceeding, e::user_failure, set{a::send_response} | a::start_j, s::completed,
     "RFC 3261 17.2.2"},
    {s::proceeding, e::user_abandons, a::start_j, s::completed, "RFC 4320 4.2"},
    {s::proceeding, e::transport_error, a::report_transport_error, s::terminated,
     "RFC 3261 17.2.2"},

    {s::completed, e::request, a::resend_response, s::completed, "RFC 3261 17.2.2"},
    {s::completed, e::transport_error, a::report_transport_error, s::terminated, "RFC 3261 17.2.2"},
    {s::completed, e::timer_j, nothing, s::terminated, "RFC 3261 17.2.2"},
};

constexpr std::string_view state_names[]{"calling",   "trying",   "proceeding", "completed",
                                         "confirmed", "accepted", "terminated"};
constexpr std::string_view event_names[]{
    "response_1xx", "response_2xx", "response_failure", "request",       "ack",
    "user_1xx",     "user_2xx",     "user_failure",     "user_abandons", "transport_error",
    "timer_a",      "timer_b",      "timer_c",          "timer_d",       "timer_e",
    "timer_f",      "timer_g",      "timer_h",          "timer_i",       "timer_j",
    "timer_k",      "timer_l",      "timer_m",          "timer_trying",  "timer_cancelled"};
constexpr std::string_view kind_names[]{"client_invite", "client_non_invite", "server_invite",
                                        "server_non_invite"};
static_assert(std::size(state_names) == transaction_table::state_count);
static_assert(std::size(event_names) == transaction_table::event_count);

} // namespace

const transaction_table& machine_of(transaction_kind kind) noexcept {
  switch (kind) {
  case transaction_kind::client_invite: return client_invite;
  case transaction_kind::client_non_invite: return client_non_invite;
  case transaction_kind::server_invite: return server_invite;
  case transaction_kind::server_non_invite: break;
  }
  return server_non_invite;
}

transaction_event expiry_of(transaction_kind kind, transaction_state state) noexcept {
  switch (kind) {
  case transaction_kind::client_invite:
    if (state == s::calling) return e::timer_b;
    if (state == s::proceeding) return e::timer_c;
    return state == s::completed ? e::timer_d : e::timer_m;
  case transaction_kind::client_non_invite: return state == s::completed ? e::timer_k : e::timer_f;
  case transaction_kind::server_invite:
    if (state == s::proceeding) return e::timer_trying;
    if (state == s::completed) return e::timer_h;
    return state == s::confirmed ? e::timer_i : e::timer_l;
  case transaction_kind::server_non_invite: break;
  }
  return state == s::completed ? e::timer_j : e::timer_trying;
}

transaction_event retransmission_of(transaction_kind kind) noexcept {
  switch (kind) {
  case transaction_kind::client_invite: return e::timer_a;
  case transaction_kind::client_non_invite: return e::timer_e;
  default: return e::timer_g;
  }
}

std::string_view name_of(transaction_state state) noexcept {
  return state_names[static_cast<std::size_t>(state)];
}
std::string_view name_of(transaction_event event) noexcept {
  return event_names[static_cast<std::size_t>(event)];
}
std::string_view name_of(transaction_kind kind) noexcept {
  return kind_names[static_cast<std::size_t>(kind)];
}

} // namespace tandem::stack

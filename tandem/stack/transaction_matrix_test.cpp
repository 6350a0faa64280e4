// SPDX-License-Identifier: Apache-2.0
// One case for every machine, living state and event: either the row of the table is what happens,
// or nothing can make the pair happen.
#include <tandem/stack/transactions_for_test.hpp>

#include <vector>

namespace tandem::stack {
namespace {

using e = transaction_event;
using k = transaction_kind;
using s = transaction_state;
using for_test::transaction_fixture;

struct cell {
  k kind;
  s state;
  e event;
};

const std::vector<s>& living_states(k kind) {
  static const std::vector<s> client_invite{s::calling, s::proceeding, s::completed, s::accepted};
  static const std::vector<s> other{s::trying, s::proceeding, s::completed};
  static const std::vector<s> server_invite{s::proceeding, s::completed, s::confirmed, s::accepted};
  if (kind == k::client_invite) return client_invite;
  return kind == k::server_invite ? server_invite : other;
}

std::vector<cell> all_cells() {
  std::vector<cell> cells;
  for (const k kind :
       {k::client_invite, k::client_non_invite, k::server_invite, k::server_non_invite})
    for (const s state : living_states(kind))
      for (std::size_t i = 0; i < transaction_table::event_count; ++i)
        cells.push_back({kind, state, static_cast<e>(i)});
  return cells;
}

/// Brings a new transaction to a state by what peers and users do.
void bring_to(transaction_fixture& t, k kind, s state) {
  t.start(kind, transport_kind::udp);
  if (is_client(kind)) {
    if (state == s::proceeding) t.receive_response(kind == k::client_invite ? 180 : 100);
    if (state == s::completed) t.receive_response(486);
    if (state == s::accepted) t.receive_response(200);
  } else {
    if (state == s::proceeding) t.respond(kind == k::server_invite ? 180 : 100);
    if (state == s::completed || state == s::confirmed) t.respond(486);
    if (state == s::confirmed) t.receive_request("ACK");
    if (state == s::accepted) t.respond(200);
  }
  EXPECT_EQ(t.state(), state);
  t.out.sent.clear();
  t.heard().clear();
}

/// How long a timer runs, over UDP.
duration length_of(e timer, const timer_settings& t) {
  switch (timer) {
  case e::timer_a:
  case e::timer_e:
  case e::timer_g: return t.t1;
  case e::timer_b: return t.timer_b;
  case e::timer_c: return t.timer_c;
  case e::timer_d: return t.timer_d;
  case e::timer_f: return t.timer_f;
  case e::timer_h: return t.timer_h;
  case e::timer_i:
  case e::timer_k: return t.t4;
  case e::timer_j: return t.timer_j;
  case e::timer_l: return t.timer_l;
  case e::timer_m: return t.timer_m;
  case e::timer_cancelled: return t.timer_cancelled;
  default: return t.trying_other;
  }
}

bool is_timer(e event) { return event >= e::timer_a; }
bool is_from_user(e event) { return event >= e::user_1xx && event <= e::user_abandons; }

/// Makes the event happen; false when the side has no such event.
bool cause(transaction_fixture& t, k kind, s state, e event) {
  switch (event) {
  case e::response_1xx: t.receive_response(100); return is_client(kind);
  case e::response_2xx: t.receive_response(200); return is_client(kind);
  case e::response_failure: t.receive_response(503); return is_client(kind);
  case e::request: t.receive_request(); return !is_client(kind);
  case e::ack: t.receive_request("ACK"); return kind == k::server_invite;
  case e::user_1xx: return t.respond(100);
  case e::user_2xx: return t.respond(200);
  case e::user_failure: return t.respond(404);
  case e::user_abandons: t.layer.abandon(t.server); return !is_client(kind);
  case e::transport_error: t.fail_to_send(); return true;
  case e::timer_cancelled: t.layer.cancel(t.client); [[fallthrough]];
  case e::timer_trying:
    if (event == e::timer_trying && kind == k::server_invite) {
      t.out.advance(t.layer.timers().trying_invite);
      return state == s::proceeding;
    }
    [[fallthrough]];
  default: t.out.advance(length_of(event, t.layer.timers())); return true;
  }
}

class transaction_matrix : public ::testing::TestWithParam<cell> {};

TEST_P(transaction_matrix, does_what_the_row_says_and_nothing_else) {
  const auto [kind, state, event] = GetParam();
  transaction_fixture t;
  // A timer that the state does not have, or that the user's first answer has stopped.
  const auto* row = machine_of(kind).find(state, event);
  const bool runs = event == expiry_of(kind, state) || event == retransmission_of(kind) ||
                    event == e::timer_cancelled;
  if (event == e::timer_trying && kind == k::server_invite)
    t.start(kind, transport_kind::udp);
  else
    bring_to(t, kind, state);

  if (!row) {
    // Impossible: no time and no user makes it happen, whatever else time brings.
    if (is_timer(event)) {
      EXPECT_FALSE(runs && event == expiry_of(kind, state) &&
                   !(kind == k::server_non_invite && state == s::proceeding));
      t.out.advance(std::chrono::hours{1});
    } else if (is_from_user(event) && !is_client(kind)) {
      cause(t, kind, state, event);
      EXPECT_EQ(t.state(), state);
      EXPECT_TRUE(t.out.sent.empty());
    }
    EXPECT_EQ(t.layer.counters().impossible, 0U);
    return;
  }

  EXPECT_TRUE(cause(t, kind, state, event));
  EXPECT_EQ(t.layer.counters().impossible, 0U);
  EXPECT_EQ(name_of(t.state()), name_of(row->next)) << row->source;

  using a = transaction_action;
  const bool sends = row->actions.has(a::send_request) || row->actions.has(a::send_ack) ||
                     row->actions.has(a::send_response) ||
                     (row->actions.has(a::resend_response) && state != s::trying);
  // The transport error of a cancelled branch and the CANCEL of an unanswered timer C come on top.
  if (sends || !is_timer(event)) {
    EXPECT_EQ(!t.out.sent.empty(), sends);
  }
  const bool tells =
      row->actions.has(a::pass_response) || row->actions.has(a::pass_ack) ||
      row->actions.has(a::report_timeout) || row->actions.has(a::report_transport_error) ||
      row->actions.has(a::report_timer_c) || row->actions.has(a::report_cancel_timeout) ||
      row->actions.has(a::report_no_ack) || row->actions.has(a::report_silence);
  EXPECT_EQ(!t.heard().empty(), tells);
}

INSTANTIATE_TEST_SUITE_P(every_pair, transaction_matrix, ::testing::ValuesIn(all_cells()),
                         [](const auto& of) {
                           return std::string{name_of(of.param.kind)} + "_" +
                                  std::string{name_of(of.param.state)} + "_" +
                                  std::string{name_of(of.param.event)};
                         });

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// The wheel fires up to a tick late. What arrives between the moment of a timer and its event finds
// the transaction as it is; the event comes once, by itself.
#include <tandem/stack/transactions_for_test.hpp>

#include <functional>

namespace tandem::stack {
namespace {

using namespace for_test;
using kind = transaction_kind;

struct late_timer {
  std::string name;
  kind machine;
  std::function<void(transaction_fixture&)> before; ///< brings it into the state
  duration after;                                   ///< from there to the moment of the timer
  std::function<void(transaction_fixture&)> arrives;
  std::deque<std::string> heard; ///< in all, in this order
};

void nothing(transaction_fixture&) {}

std::vector<late_timer> late_timers() {
  const auto copy = [](transaction_fixture& t) { t.receive_request(); };
  const auto failing_send = [](transaction_fixture& t) { t.fail_to_send(); };
  const auto answer = [](int status) {
    return [status](transaction_fixture& t) { t.receive_response(status); };
  };
  const timer_settings timers;
  const duration t1_64 = 64 * timers.t1;
  return {
      // The 100 that is due after 200 ms (RFC 3261 17.2.1) and after 7*T1 (RFC 4320 4.1).
      {"copy of a silent INVITE",
       kind::server_invite,
       nothing,
       milliseconds{200},
       copy,
       {"silence"}},
      {"ACK of a silent INVITE",
       kind::server_invite,
       nothing,
       milliseconds{200},
       [](transaction_fixture& t) { t.receive_request("ACK"); },
       {"silence"}},
      {"copy of another silent request",
       kind::server_non_invite,
       nothing,
       7 * timers.t1,
       copy,
       {"silence"}},
      // Timers B, C and F (RFC 3261 17.1.1.2, 16.6 step 11, 17.1.2.2).
      {"180 after timer B", kind::client_invite, nothing, t1_64, answer(180), {"180"}},
      {"180 after timer C",
       kind::client_invite,
       answer(180),
       timers.timer_c,
       answer(180),
       {"180", "180", "timer_c"}},
      {"failing send after timer C",
       kind::client_invite,
       answer(180),
       timers.timer_c,
       failing_send,
       {"180", "timer_c"}},
      {"1xx after timer F",
       kind::client_non_invite,
       nothing,
       t1_64,
       answer(100),
       {"100", "timeout"}},
  };
}

TEST(late_timers, come_once_and_by_themselves_whatever_arrives_meanwhile) {
  for (const auto& late : late_timers()) {
    SCOPED_TRACE(late.name);
    transaction_fixture t;
    t.out.advance(milliseconds{5}); // between two ticks of ten milliseconds
    t.start(late.machine, transport_kind::udp);
    late.before(t);
    t.out.advance(late.after + milliseconds{3}); // due, and not told yet
    const auto heard_before = t.heard().size();
    late.arrives(t);
    t.out.end_turn();
    t.out.advance(milliseconds{10});
    EXPECT_EQ(t.heard(), late.heard) << heard_before << " of them before it arrived";
    EXPECT_EQ(t.layer.counters().impossible, 0U);
  }
}

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// The transaction machines over time, as little scripts (inject, expect, delay) that one
// interpreter reads. Every timer of RFC 3261 17 and RFC 6026 has one.
#include <tandem/stack/transactions_for_test.hpp>

#include <sstream>

namespace tandem::stack {
namespace {

using for_test::transaction_fixture;

transaction_kind kind_named(std::string_view name) {
  for (const auto kind : {transaction_kind::client_invite, transaction_kind::client_non_invite,
                          transaction_kind::server_invite, transaction_kind::server_non_invite})
    if (name_of(kind) == name) return kind;
  ADD_FAILURE() << "no such machine: " << name;
  return transaction_kind::client_invite;
}

/// The interpreter. A line is a command and its words:
///   start MACHINE udp|tcp        response N | request | ack | error     (from the network)
///   user N | user-refused N      delay MILLISECONDS
///   sent WORD... | heard WORD... (all that happened since the last such line, `nothing` for none)
///   state NAME
void run_script(const std::string& script) {
  transaction_fixture t;
  t.parts.more = "Subject: long enough for all copies of its answer\r\n";
  std::istringstream lines{script};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::istringstream words{line};
    std::string command;
    if (!(words >> command) || command.starts_with('#')) continue;
    SCOPED_TRACE("line " + std::to_string(number) + ": " + line);
    const auto rest = [&] {
      std::string all;
      for (std::string word; words >> word;) all += (all.empty() ? "" : " ") + word;
      return all == "nothing" ? std::string{} : all;
    };
    const auto number_of = [&] {
      int n = 0;
      words >> n;
      return n;
    };
    if (command == "start") {
      std::string machine;
      std::string transport;
      words >> machine >> transport;
      t.start(kind_named(machine), transport == "tcp" ? transport_kind::tcp : transport_kind::udp);
    } else if (command == "response") {
      t.receive_response(number_of());
    } else if (command == "request") {
      t.receive_request();
    } else if (command == "ack") {
      t.receive_request("ACK");
    } else if (command == "error") {
      t.fail_to_send();
    } else if (command == "user") {
      EXPECT_TRUE(t.respond(number_of()));
    } else if (command == "user-refused") {
      EXPECT_FALSE(t.respond(number_of()));
    } else if (command == "cancel") {
      t.layer.cancel(t.client);
    } else if (command == "delay") {
      t.out.advance(milliseconds{number_of()});
    } else if (command == "sent") {
      std::string all;
      while (!t.out.sent.empty())
        all += (all.empty() ? "" : " ") + std::string{t.out.take().kind()};
      EXPECT_EQ(all, rest());
    } else if (command == "heard") {
      std::string all;
      for (; !t.heard().empty(); t.heard().pop_front())
        all += (all.empty() ? "" : " ") + t.heard().front();
      EXPECT_EQ(all, rest());
    } else if (command == "state") {
      EXPECT_EQ(std::string{name_of(t.state())}, rest());
    } else {
      FAIL() << "unknown command";
    }
  }
  EXPECT_EQ(t.layer.counters().impossible, 0U);
}

// RFC 3261 17.1.1.2
TEST(transaction_scripts, timer_a_doubles_without_limit_until_timer_b) {
  run_script(R"(
    start client_invite udp
    sent INVITE
    delay 499
    sent nothing
    delay 1
    sent INVITE
    delay 1000
    sent INVITE
    delay 2000
    sent INVITE
    delay 4000
    sent INVITE
    delay 8000
    sent INVITE
    delay 16000
    sent INVITE
    state calling
    delay 500
    sent nothing
    heard timeout
    state terminated)");
}

TEST(transaction_scripts, an_invite_over_tcp_is_sent_once_and_times_out) {
  run_script(R"(
    start client_invite tcp
    sent INVITE
    delay 31990
    sent nothing
    state calling
    delay 10
    heard timeout
    state terminated)");
}

// A silent defect of other stacks: ringing ended after 64*T1.
TEST(transaction_scripts, a_ringing_invite_outlives_64_t1) {
  run_script(R"(
    start client_invite udp
    sent INVITE
    response 180
    heard 180
    delay 100000
    sent nothing
    heard nothing
    state proceeding
    response 200
    heard 200
    state accepted)");
}

TEST(transaction_scripts, timer_c_is_reported_and_a_user_that_does_nothing_is_helped) {
  run_script(R"(
    start client_invite udp
    response 100
    sent INVITE
    heard 100
    delay 184990
    heard nothing
    delay 10
    heard timer_c
    sent CANCEL
    delay 32000
    heard cancel_timeout
    state terminated)");
}

TEST(transaction_scripts, a_failure_is_acknowledged_each_time_until_timer_d) {
  run_script(R"(
    start client_invite udp
    sent INVITE
    response 486
    sent ACK
    heard 486
    state completed
    response 486
    sent ACK
    heard nothing
    delay 31990
    state completed
    delay 10
    state terminated)");
}

TEST(transaction_scripts, timer_d_is_zero_over_tcp) {
  run_script(R"(
    start client_invite tcp
    sent INVITE
    response 486
    sent ACK
    heard 486
    state terminated)");
}

// RFC 6026 7.2: every copy of a 2xx, and another one of a fork, reaches the user until timer M.
TEST(transaction_scripts, copies_of_a_2xx_reach_the_user_until_timer_m) {
  run_script(R"(
    start client_invite udp
    response 200
    response 200
    response 486
    heard 200 200
    state accepted
    delay 31990
    response 200
    heard 200
    state accepted
    delay 10
    state terminated
    response 200
    heard stray 200)");
}

TEST(transaction_scripts, cancel_waits_for_a_provisional_response) {
  run_script(R"(
    start client_invite udp
    sent INVITE
    cancel
    sent nothing
    response 100
    sent CANCEL
    heard 100
    response 487
    sent ACK
    heard 487)");
}

TEST(transaction_scripts, a_2xx_that_crosses_the_cancel_wins) {
  run_script(R"(
    start client_invite udp
    sent INVITE
    response 180
    cancel
    sent CANCEL
    response 200
    heard 180 200
    state accepted)");
}

// RFC 3261 17.1.2.2
TEST(transaction_scripts, timer_e_doubles_up_to_t2_until_timer_f) {
  run_script(R"(
    start client_non_invite udp
    sent OPTIONS
    delay 500
    sent OPTIONS
    delay 1000
    sent OPTIONS
    delay 2000
    sent OPTIONS
    delay 4000
    sent OPTIONS
    delay 4000
    sent OPTIONS
    delay 20490
    sent OPTIONS OPTIONS OPTIONS OPTIONS OPTIONS
    heard nothing
    delay 10
    heard timeout
    state terminated)");
}

TEST(transaction_scripts, timer_e_runs_on_at_t2_after_a_provisional) {
  run_script(R"(
    start client_non_invite udp
    sent OPTIONS
    response 100
    heard 100
    delay 500
    sent OPTIONS
    delay 3990
    sent nothing
    delay 10
    sent OPTIONS
    delay 27500
    heard timeout)");
}

TEST(transaction_scripts, timer_k_absorbs_copies_of_the_final_response) {
  run_script(R"(
    start client_non_invite udp
    response 200
    response 200
    heard 200
    state completed
    delay 4990
    state completed
    delay 10
    state terminated)");
}

// RFC 3261 17.2.1
TEST(transaction_scripts, timer_g_doubles_up_to_t2_until_timer_h) {
  run_script(R"(
    start server_invite udp
    user 486
    sent 486
    delay 500
    sent 486
    delay 1000
    sent 486
    delay 2000
    sent 486
    delay 4000
    sent 486
    delay 4000
    sent 486
    delay 20490
    sent 486 486 486 486 486
    heard nothing
    delay 10
    heard no_ack
    state terminated)");
}

TEST(transaction_scripts, an_ack_stops_timer_g_and_timer_i_absorbs_its_copies) {
  run_script(R"(
    start server_invite udp
    user 486
    sent 486
    request
    sent 486
    ack
    state confirmed
    ack
    request
    delay 4990
    sent nothing
    heard nothing
    state confirmed
    delay 10
    state terminated)");
}

TEST(transaction_scripts, a_failure_over_tcp_waits_for_its_ack_without_copies) {
  run_script(R"(
    start server_invite tcp
    user 486
    sent 486
    delay 31000
    sent nothing
    ack
    state terminated)");
}

TEST(transaction_scripts, a_copy_of_an_invite_gets_the_last_provisional) {
  run_script(R"(
    start server_invite udp
    request
    sent nothing
    user 100
    user 180
    sent 100 180
    request
    sent 180)");
}

TEST(transaction_scripts, the_user_is_told_to_send_100_after_200_ms) {
  run_script(R"(
    start server_invite udp
    delay 190
    heard nothing
    delay 10
    heard silence)");
}

// RFC 4320 4.1: not before timer E of the client has reached T2.
TEST(transaction_scripts, another_request_than_invite_gets_100_after_3500_ms) {
  run_script(R"(
    start server_non_invite udp
    delay 3490
    heard nothing
    delay 10
    heard silence
    user 100
    sent 100
    user-refused 180
    sent nothing)");
}

// RFC 6026 7.1
TEST(transaction_scripts, an_accepted_invite_absorbs_copies_and_sends_every_2xx_until_timer_l) {
  run_script(R"(
    start server_invite udp
    user 200
    sent 200
    request
    sent nothing
    user 200
    sent 200
    user-refused 486
    ack
    heard ACK
    delay 31990
    state accepted
    delay 10
    state terminated
    user-refused 200)");
}

TEST(transaction_scripts, timer_j_absorbs_copies_of_a_request) {
  run_script(R"(
    start server_non_invite udp
    request
    sent nothing
    user 200
    sent 200
    request
    sent 200
    user-refused 404
    delay 31990
    state completed
    delay 10
    state terminated)");
}

TEST(transaction_scripts, timer_j_is_zero_over_tcp) {
  run_script(R"(
    start server_non_invite tcp
    user 200
    sent 200
    state terminated)");
}

TEST(transaction_scripts, a_transport_error_ends_a_client_that_heard_nothing) {
  run_script(R"(
    start client_invite udp
    error
    heard transport_error
    state terminated)");
}

TEST(transaction_scripts, a_response_whose_connection_is_gone_goes_to_the_received_address) {
  run_script(R"(
    start server_non_invite tcp
    user 100
    error
    sent 100 100
    heard nothing
    error
    heard transport_error)");
}

} // namespace
} // namespace tandem::stack

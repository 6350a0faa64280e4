// SPDX-License-Identifier: Apache-2.0
// What is left of a call in its tail: copies are answered and absorbed as by the transactions that
// were there, and all is forgotten in the end (RFC 3261 17.2.2, RFC 6026).
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/proxy_for_test.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;

/// A proxy whose transactions end at once.
struct ended_fixture : proxy_fixture {
  ended_fixture() : proxy_fixture{{}, {.lingering = 0}} {}
};

request_parts bye_of(const request_parts& invite) {
  request_parts p = invite;
  p.method = "BYE";
  p.via += "bye";
  p.cseq = 2;
  return p;
}

/// A call that was answered and hung up. \return the forwarded INVITE.
sent_message place_call(proxy_fixture& t, const request_parts& p = {}) {
  t.receive(p);
  t.take("100");
  auto invite = t.take("INVITE");
  t.answer(invite, 200);
  t.take("200");
  t.receive(bye_of(p));
  t.answer(t.take("BYE"), 200);
  return invite;
}

TEST(ended_transactions, a_copy_of_a_request_is_answered_with_the_same_bytes) {
  ended_fixture t;
  place_call(t);
  const auto answer = t.take("200");
  t.receive(bye_of({}));
  const auto again = t.take("200");
  EXPECT_EQ(again.text, answer.text);
  EXPECT_EQ(again.to.address, answer.to.address);
  EXPECT_EQ(t.sent(), "");
  t.out.advance(seconds{33}); // timer J
  t.receive(bye_of({}));
  EXPECT_EQ(t.sent(), "BYE") << "it is another request by now";
}

TEST(ended_transactions, a_copy_of_an_accepted_invite_is_absorbed_and_its_ack_goes_on) {
  ended_fixture t;
  place_call(t);
  t.sent();
  t.receive({});
  EXPECT_EQ(t.sent(), "");
  // An old peer's ACK has the branch of the INVITE (RFC 6026 7.1).
  request_parts ack;
  ack.method = "ACK";
  t.receive(ack);
  EXPECT_EQ(t.sent(), "ACK");
}

TEST(ended_transactions, every_2xx_goes_upstream_by_the_way_of_the_invite) {
  ended_fixture t;
  const auto invite = place_call(t);
  t.sent();
  t.answer(invite, 200);
  const auto copy = t.take("200");
  EXPECT_EQ(copy.to.address.to_string(), "192.0.2.1:5060");
  EXPECT_EQ(count_values(parsed(copy.text), sip::header_id::via), 1U);
  t.answer(invite, 200, "bob-2"); // of a fork below
  t.take("200");
  t.answer(invite, 180);
  t.answer(invite, 486);
  EXPECT_EQ(t.sent(), "");
  t.out.advance(seconds{33}); // timer M
  t.answer(invite, 200);
  EXPECT_EQ(t.sent(), "");
}

TEST(ended_transactions, a_cancel_that_comes_too_late_is_answered) {
  ended_fixture t;
  place_call(t);
  t.sent();
  request_parts cancel;
  cancel.method = "CANCEL";
  t.receive(cancel);
  EXPECT_EQ(t.sent(), "200");
  t.receive(cancel);
  EXPECT_EQ(t.sent(), "200") << "its copy, too";
}

// RFC 3261 18.2.2
TEST(ended_transactions, an_answer_that_did_not_arrive_is_one_of_a_live_transaction_again) {
  ended_fixture t;
  place_call(t);
  const auto answer = t.take("200");
  const auto size = t.layer.size();
  t.layer.on_datagram_refused(answer.text);
  t.out.end_turn();
  EXPECT_LE(t.layer.size(), size) << "there was no other way, so that it is over";
  EXPECT_EQ(t.sent(), "");
  EXPECT_EQ(t.layer.counters().impossible, 0U);
  t.out.advance(seconds{70});
  EXPECT_EQ(t.layer.size(), 0U);
}

// RFC 3581 4: the user of the transaction may have put rport into the Via of the first one.
TEST(ended_transactions, a_copy_is_answered_where_the_first_one_was) {
  ended_fixture t;
  t.edit = [](sip::message& m) {
    EXPECT_TRUE(m.edit().update_front(sip::header_id::via, [](std::string_view via) {
      return std::string{via} + ";rport=40000;received=192.0.2.1";
    }));
  };
  request_parts p;
  p.method = "MESSAGE";
  const auto receive = [&] {
    auto m = make_request(p);
    t.layer.receive_request(m, arrived_from("192.0.2.1:40000"));
    t.out.end_turn();
  };
  receive();
  t.answer(t.take("MESSAGE"), 200);
  EXPECT_EQ(t.take("200").to.address.to_string(), "192.0.2.1:40000");
  receive();
  EXPECT_EQ(t.take("200").to.address.to_string(), "192.0.2.1:40000");
}

// A socket that refuses the answer says so at the end of the turn.
TEST(ended_transactions, the_last_ones_are_whole_for_a_while) {
  proxy_fixture t;
  place_call(t);
  const auto answer = t.take("200");
  t.layer.on_send_error(answer.on_behalf_of, send_error::refused);
  t.out.end_turn();
  t.receive(bye_of({}));
  EXPECT_EQ(t.sent(), "BYE") << "nobody got the answer, so that the request is a new one";
}

TEST(ended_transactions, a_script_may_repeat_the_answer) {
  ended_fixture t;
  place_call(t);
  const auto answer = t.take("200");
  const auto server = t.layer.find_server(make_request(bye_of({})), {});
  EXPECT_TRUE(t.layer.repeat(server));
  EXPECT_EQ(t.take("200").text, answer.text);
  t.receive(bye_of({}));
  EXPECT_EQ(t.sent(), "200");
}

TEST(ended_transactions, over_a_stream_a_copy_of_a_2xx_still_finds_its_connection) {
  ended_fixture t;
  request_parts p;
  p.via = "SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKaaa1";
  const flow_handle flow{7, 1, 0};
  auto request = make_request(p);
  t.layer.receive_request(request, arrived_from("192.0.2.1:4711", transport_kind::tcp, flow));
  t.out.end_turn();
  t.take("100");
  const auto invite = t.take("INVITE");
  t.answer(invite, 200);
  t.take("200");
  t.answer(invite, 200);
  EXPECT_EQ(t.take("200").to.flow, flow);
}

TEST(ended_transactions, a_response_that_repeats_the_end_is_absorbed) {
  ended_fixture t;
  t.receive({});
  t.take("100");
  t.answer(t.take("INVITE"), 200);
  t.take("200");
  t.receive(bye_of({}));
  const auto bye = t.take("BYE");
  t.answer(bye, 200);
  t.take("200");
  const auto absorbed = t.layer.counters().absorbed;
  t.answer(bye, 200);
  EXPECT_EQ(t.layer.counters().absorbed, absorbed + 1);
  EXPECT_EQ(t.sent(), "");
}

TEST(ended_transactions, an_abandoned_request_is_absorbed_in_silence) {
  ended_fixture t;
  t.ways.front().targets.clear();
  request_parts p;
  p.method = "MESSAGE";
  t.receive(p);
  t.sent();
  t.core.drop(t.context);
  t.receive(p);
  EXPECT_LE(t.layer.size(), 1U);
}

TEST(ended_transactions, thousands_are_forgotten_in_the_order_of_their_time) {
  ended_fixture t;
  constexpr unsigned calls = 1'000;
  for (unsigned n = 0; n < calls; ++n) {
    request_parts p;
    p.call_id = "call-" + std::to_string(n);
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + std::to_string(n);
    place_call(t, p);
    t.sent();
    t.out.advance(milliseconds{10});
  }
  EXPECT_EQ(t.layer.counters().impossible, 0U);
  EXPECT_GT(t.layer.size(), 3 * calls);
  t.out.advance(seconds{23}); // of the first calls all is over
  EXPECT_LT(t.layer.size(), 3 * calls);
  EXPECT_GT(t.layer.size(), calls);
  t.out.advance(seconds{11});
  EXPECT_EQ(t.layer.size(), 0U);
  place_call(t);
  EXPECT_EQ(t.layer.size(), 4U);
}

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// Answers without a transaction (RFC 3261 8.2.6, 8.2.7, 16.11, 17).
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/stateless_answer.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/virtual_outbox.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;

class stateless_answer : public ::testing::Test {
 protected:
  answer_fate answer(const sip::message& request, int status,
                     std::optional<duration> retry_after = std::nullopt) {
    return answer_stateless(out_, request, from_, status, {}, secret_, retry_after);
  }
  [[nodiscard]] sip::message last() const { return parsed(out_.sent.back().text); }

  virtual_outbox out_;
  arrival from_ = arrived_from("192.0.2.1:1024", transport_kind::udp, {1, 2, 3});
  hash_key secret_{17, 19};
};

// RFC 3261 17, 18.3
TEST_F(stateless_answer, neither_an_ack_nor_a_response_is_answered) {
  request_parts p;
  p.method = "ACK";
  const sip::message ack = make_request(p);
  EXPECT_EQ(answer(ack, 400), answer_fate::not_owed);
  const sip::message invite = make_request({});
  auto made = begin_answer(invite, 400, {}, secret_);
  const auto wire = finish_answer(made, invite, from_, secret_);
  EXPECT_EQ(send_stateless(out_, ack, from_, wire), answer_fate::not_owed);
  EXPECT_EQ(answer(parsed(answer_text(request_text({}), 200)), 400), answer_fate::not_owed);
  EXPECT_TRUE(out_.sent.empty());
}

// RFC 3261 8.2.7
TEST_F(stateless_answer, copies_of_a_request_are_answered_with_the_same_tag) {
  ASSERT_EQ(answer(make_request({}), 404), answer_fate::sent);
  const std::string tag{last().to_tag()};
  EXPECT_FALSE(tag.empty());
  ASSERT_EQ(answer(make_request({}), 404), answer_fate::sent);
  EXPECT_EQ(last().to_tag(), tag);
  request_parts p;
  p.call_id = "another";
  ASSERT_EQ(answer(make_request(p), 404), answer_fate::sent);
  EXPECT_NE(last().to_tag(), tag);
}

// RFC 3261 8.2.6.2
TEST_F(stateless_answer, a_100_has_no_tag_and_the_tag_of_a_request_stays) {
  ASSERT_EQ(answer(make_request({}), 100), answer_fate::sent);
  EXPECT_EQ(last().to_tag(), "");
  request_parts p;
  p.to = "<sip:bob@example.com>;tag=bob-1";
  ASSERT_EQ(answer(make_request(p), 481), answer_fate::sent);
  EXPECT_EQ(last().to_tag(), "bob-1");
}

// RFC 3261 18.2.2, RFC 3581 4
TEST_F(stateless_answer, leaves_by_the_socket_that_the_request_came_in_on) {
  request_parts p;
  p.via = "SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bKa";
  ASSERT_EQ(answer(make_request(p), 400), answer_fate::sent);
  EXPECT_EQ(out_.sent.back().to.flow, from_.flow);
  EXPECT_EQ(out_.sent.back().to.address, from_.source);
  EXPECT_EQ(out_.sent.back().on_behalf_of, origin{}) << "nobody hears of a failure";
}

TEST_F(stateless_answer, to_a_forged_source_is_no_larger_than_its_request_has_paid_for) {
  const sip::message request = make_request({});
  const std::size_t limit = answer_limit(request.received_bytes().size(), transport_kind::udp);
  for (const auto& [status, becomes] : {std::pair{200, 500}, std::pair{302, 302}}) {
    auto made = begin_answer(request, status, {}, secret_);
    made.add(sip::header_id::contact, "<sip:" + std::string(limit, 'x') + "@192.0.2.9>");
    const auto wire = finish_answer(made, request, from_, secret_);
    ASSERT_TRUE(wire);
    EXPECT_LE(wire.size, limit);
    EXPECT_EQ(made.status(), becomes);
    EXPECT_EQ(send_stateless(out_, request, from_, wire), answer_fate::sent);
    EXPECT_EQ(last().status(), becomes);
    EXPECT_FALSE(last().has(sip::header_id::contact));
  }
}

// RFC 3261 21.5.4
TEST_F(stateless_answer, that_refuses_for_now_says_when_to_come_again) {
  ASSERT_EQ(answer(make_request({}), 503, seconds{7}), answer_fate::sent);
  EXPECT_EQ(last().front(sip::header_id::retry_after), "7");
}

TEST_F(stateless_answer, a_request_without_via_has_nowhere_to_be_answered) {
  const sip::message request = parsed("OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nCall-ID: a\r\n"
                                      "CSeq: 1 OPTIONS\r\n\r\n");
  EXPECT_EQ(answer(request, 400), answer_fate::impossible);
  EXPECT_TRUE(out_.sent.empty());
}

} // namespace
} // namespace tandem::stack

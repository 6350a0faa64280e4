// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/kept_bytes.hpp>

#include <tandem/stack/proxy_for_test.hpp>

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tandem::stack {
namespace {

using namespace for_test;

const ip_address one = *ip_address::parse("192.0.2.1");
const ip_address other = *ip_address::parse("192.0.2.2");

TEST(kept_bytes, are_counted_for_each_source_and_in_all_until_they_are_given_back) {
  kept_bytes kept{{.in_all = 1'000, .per_source = 600}};
  kept_charge first, second;
  first.name(&kept.of(one));
  second.name(&kept.of(other));
  first.set(500);
  EXPECT_FALSE(kept.has_room(kept.of(one), 101, keep_for::new_work));
  EXPECT_TRUE(kept.has_room(kept.of(one), 100, keep_for::new_work));
  EXPECT_TRUE(kept.has_room(kept.of(one), 700, keep_for::the_rest)) << "twice the bound";
  EXPECT_FALSE(kept.has_room(kept.of(one), 702, keep_for::the_rest));
  EXPECT_TRUE(second.try_set(600));
  EXPECT_FALSE(kept.has_room(kept.of(*ip_address::parse("192.0.2.3")), 1, keep_for::new_work));
  EXPECT_EQ(kept.in_all(), 1'100U);
  kept_charge moved = std::move(first);
  second = {};
  EXPECT_EQ(kept.in_all(), 500U);
  EXPECT_EQ(kept.of(other).bytes(), 0U);
  moved = {};
  EXPECT_EQ(kept.in_all(), 0U);
}

TEST(kept_bytes, of_nobody_in_particular_have_the_bound_of_all) {
  kept_bytes kept{{.in_all = 1'000, .per_source = 10}};
  kept_charge own;
  own.name(&kept.of({}));
  EXPECT_TRUE(own.try_set(1'000));
  EXPECT_FALSE(own.try_set(2'002));
  EXPECT_EQ(kept.in_all(), 1'000U) << "nothing has changed";
}

TEST(kept_bytes, sources_that_have_nothing_are_forgotten_and_no_others) {
  kept_bytes kept{{}};
  kept_charge stays;
  stays.name(&kept.of(one));
  stays.set(7);
  for (unsigned i = 0; i < kept_bytes::most_idle + 10; ++i)
    static_cast<void>(kept.of(*ip_address::parse("10." + std::to_string(i >> 16U) + "." +
                                                 std::to_string(i >> 8U & 255U) + "." +
                                                 std::to_string(i & 255U))));
  EXPECT_EQ(kept.of(one).bytes(), 7U);
}

/// A proxy whose callee takes TCP and answers nothing.
struct silent_phone : proxy_fixture {
  silent_phone() : proxy_fixture{{}, limits()} {
    ways = {{"sip:bob@192.0.2.2;transport=tcp", {target_at("192.0.2.2", transport_kind::tcp)}}};
  }
  static transaction_limits limits() {
    transaction_limits made;
    made.kept = {.in_all = bound * 3, .per_source = bound};
    return made;
  }
  static request_parts large(unsigned number, std::size_t body = 62'000) {
    request_parts p;
    p.via += std::to_string(number);
    p.call_id = "call-" + std::to_string(number);
    p.body = std::string(body, 'x');
    return p;
  }
  /// So many small INVITEs, each sent on.
  std::vector<sent_message> invite(unsigned calls) {
    std::vector<sent_message> sent_on;
    for (unsigned i = 0; i < calls; ++i) {
      receive(large(i, 10));
      take("100");
      sent_on.push_back(take("INVITE"));
    }
    return sent_on;
  }
  std::size_t refused() {
    std::size_t n = 0;
    out.end_turn();
    for (const std::string& event : std::exchange(events, {})) n += event == "refused" ? 1 : 0;
    return n;
  }

  static constexpr std::size_t bound = 1'000'000;
};

TEST(kept_bytes, of_requests_to_phones_that_do_not_answer_are_bounded_and_given_back) {
  silent_phone t;
  for (unsigned i = 0; i < 100; ++i) {
    t.receive(silent_phone::large(i));
    ASSERT_LE(t.layer.kept_bytes(), silent_phone::bound + std::size_t{5} * 66'000) << i;
  }
  EXPECT_GT(t.layer.kept_bytes(), silent_phone::bound / 2);
  EXPECT_GE(t.refused(), 80U);
  EXPECT_GE(t.layer.counters().out_of_bytes, 80U);
  EXPECT_EQ(t.layer.counters().refused, 0U) << "no bound of number was reached";

  // Others have room, and what belongs to a call in progress ends well.
  t.receive(silent_phone::large(1'000, 100), "192.0.2.9:5060");
  EXPECT_EQ(t.refused(), 0U);
  request_parts bye = silent_phone::large(1'001, 0);
  bye.method = "BYE";
  bye.to += ";tag=bob-1";
  t.receive(bye);
  EXPECT_EQ(t.refused(), 0U);

  t.out.advance(seconds{400});
  EXPECT_EQ(t.layer.kept_bytes(), 0U);
  t.receive(silent_phone::large(2'000));
  EXPECT_EQ(t.refused(), 0U);
}

// A callee in league with the caller answers small requests with large responses.
TEST(kept_bytes, of_responses_are_bounded_and_every_call_still_gets_its_final_one) {
  silent_phone t;
  const std::string more = "X: " + std::string(60'000, 'x') + "\r\n";
  const std::vector<sent_message> invites = t.invite(100);
  EXPECT_EQ(t.refused(), 0U);
  std::map<std::string, unsigned> finals;
  for (const int status : {183, 486})
    for (const sent_message& invite : invites) {
      t.answer(invite, status, "bob-1", more);
      while (!t.out.sent.empty())
        if (const auto sent = t.out.take(); sent.kind() == "486" || sent.kind() == "500")
          ++finals[std::string{sent.kind()}];
      ASSERT_LE(t.layer.kept_bytes(), 2 * silent_phone::bound + std::size_t{3} * 66'000) << status;
    }
  EXPECT_GT(finals["486"], 0U);
  EXPECT_GT(finals["500"], 0U);
  EXPECT_EQ(finals["486"] + finals["500"], 100U);
  EXPECT_GE(t.layer.counters().out_of_bytes, finals["500"]);
  EXPECT_EQ(t.layer.counters().refused, 0U);
  t.out.advance(seconds{600});
  EXPECT_EQ(t.layer.kept_bytes(), 0U);
}

TEST(kept_bytes, of_responses_that_wait_for_a_program_are_bounded_and_each_call_ends) {
  silent_phone t;
  t.holds_replies = true;
  const std::string more = "X: " + std::string(60'000, 'x') + "\r\n";
  const std::vector<sent_message> invites = t.invite(20);
  for (const sent_message& invite : invites) t.answer(invite, 183, "bob-1", more); // it is held
  EXPECT_EQ(t.layer.counters().out_of_bytes, 0U);
  for (const sent_message& invite : invites) t.answer(invite, 183, "bob-1", more);
  EXPECT_LE(t.layer.kept_bytes(), 2 * silent_phone::bound);
  EXPECT_GT(t.layer.counters().out_of_bytes, 0U);
  EXPECT_EQ(t.layer.counters().refused, 0U);
  for (const sent_message& invite : invites) t.answer(invite, 486);
  while (!t.held.empty()) {
    auto [branch, response] = std::move(t.held.front());
    t.held.pop_front();
    t.core.pass(branch, std::move(response));
    t.out.end_turn();
  }
  EXPECT_EQ(t.core.size(), 0U) << "each call has ended";
}

// RFC 3261 17.2.2: timer J keeps the answer for copies of the request, as far as there is room.
TEST(kept_bytes, of_final_responses_that_are_remembered_stay_within_twice_the_bound) {
  transaction_limits limits;
  limits.lingering = 0;
  limits.kept = {.in_all = 100'000, .per_source = 10'000'000};
  proxy_fixture t{{}, limits};
  const auto request = [](unsigned number) {
    request_parts p = silent_phone::large(number, 200); // a tenth of what answers its copy, or more
    p.method = "MESSAGE";
    p.to += ";tag=bob-1";
    return p;
  };
  constexpr unsigned requests = 200;
  for (unsigned i = 0; i < requests; ++i) {
    t.receive(request(i));
    ASSERT_FALSE(t.out.sent.empty()) << i;
    t.answer(t.take("MESSAGE"), 200, "bob-1", "X: " + std::string(3'500, 'x') + "\r\n");
    EXPECT_EQ(t.sent(), "200") << i;
    ASSERT_LE(t.layer.kept_bytes(), 200'000U) << i;
  }
  EXPECT_GT(t.layer.kept_bytes(), 190'000U);
  EXPECT_GT(t.layer.counters().out_of_bytes, 100U);
  t.receive(request(0));
  EXPECT_EQ(t.sent(), "200") << "it was kept";
  t.receive(request(requests - 1));
  EXPECT_EQ(t.sent(), "") << "it went once, and its copy is absorbed";
  t.out.advance(seconds{40});
  EXPECT_EQ(t.layer.kept_bytes(), 0U);
}

/// A call of small messages that rings.
request_parts small_call(unsigned number) {
  request_parts p = silent_phone::large(number, 400); // SDP of one stream
  p.via += "-small";
  return p;
}

TEST(kept_bytes, of_a_call_that_rings_let_a_source_have_25000_of_them) {
  proxy_fixture t;
  constexpr unsigned calls = 600;
  for (unsigned i = 0; i < calls; ++i) {
    t.receive(small_call(i));
    t.take("100");
    t.answer(t.take("INVITE"), 180);
    t.take("180");
  }
  EXPECT_LE(t.layer.kept_bytes(), kept_limits{}.per_source / 25'000 * calls);
}

TEST(transaction_limits, that_are_reached_refuse_one_call_more_and_end_all_others_well) {
  constexpr unsigned calls = 600;
  transaction_limits limits;
  limits.transactions = std::size_t{2} * calls; // each call has a server and a client transaction
  proxy_fixture t{{}, limits};
  std::vector<sent_message> invites;
  for (unsigned i = 0; i < calls; ++i) {
    t.receive(small_call(i));
    t.take("100");
    invites.push_back(t.take("INVITE"));
  }
  t.receive(small_call(calls));
  EXPECT_EQ(t.sent(), "");
  EXPECT_EQ(t.heard(), "refused");
  EXPECT_EQ(t.layer.counters().refused, 1U);
  EXPECT_EQ(t.layer.counters().out_of_bytes, 0U);
  for (const sent_message& invite : invites) {
    t.answer(invite, 486);
    EXPECT_EQ(t.sent(), "ACK 486");
  }
  t.out.advance(seconds{70});
  EXPECT_EQ(t.layer.size(), 0U);
  t.sent();
  t.receive(small_call(calls));
  EXPECT_EQ(t.sent(), "100 INVITE");
}

TEST(kept_bytes, of_copies_that_nobody_waits_for_are_given_back_too) {
  silent_phone t;
  request_parts p = silent_phone::large(1);
  p.method = "OPTIONS";
  const sip::message request = make_request(p);
  const target to = target_at("192.0.2.3", transport_kind::tcp);
  ASSERT_TRUE(t.core.replicate(request, {.uri = p.uri, .targets = {&to, 1}},
                               routing_hash(request, t.layer.secret())));
  EXPECT_GT(t.layer.kept_bytes(), 60'000U);
  t.out.advance(seconds{100});
  EXPECT_EQ(t.layer.kept_bytes(), 0U);
}

} // namespace
} // namespace tandem::stack

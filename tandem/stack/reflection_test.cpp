// SPDX-License-Identifier: Apache-2.0
// What a stranger can make us send to addresses that he named (the rule of RFC 9000 8.1).
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/via.hpp>
#include <tandem/stack/branch.hpp>
#include <tandem/stack/proxy_for_test.hpp>
#include <tandem/stack/reflection.hpp>
#include <tandem/stack/transactions_for_test.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace tandem::stack {
namespace {

using namespace for_test;

TEST(reflection_budget, gives_each_target_one_copy_first_and_then_as_much_as_the_others) {
  reflection_budget one{500};
  EXPECT_EQ(one.take(700, 1), 4'900U);
  EXPECT_EQ(one.take(101, 1), 0U);
  one.give_back(4'200);
  EXPECT_EQ(one.take(101, 1), 707U);

  reflection_budget many{500};
  unsigned served = 0;
  for (unsigned ways = 32; ways > 0; --ways) served += many.take(700, ways) > 0 ? 1 : 0;
  EXPECT_EQ(served, 7U);
  EXPECT_LT(many.left(), 700U);

  reflection_budget shared{1'000};
  for (unsigned ways = 4; ways > 0; --ways) EXPECT_EQ(shared.take(700, ways), 2'500U);
  EXPECT_EQ(shared.take(700, 1), 0U);
  shared.add(30);
  EXPECT_EQ(shared.take(300, 1), 300U);
}

TEST(reflection_loans, are_bounded_for_a_source_and_for_a_network_of_targets) {
  const instant begin{};
  const auto ip = [](const std::string& text) { return *ip_address::parse(text); };
  const auto lent = [&](reflection_loans& loans, auto source, auto target, instant now) {
    std::size_t bytes = 0;
    for (unsigned i = 0; i < 600; ++i)
      if (loans.take(1'024, ip(source(i)), ip(target(i)), now)) bytes += 1'024;
    return bytes;
  };
  const auto one = [](unsigned) { return std::string{"203.0.113.7"}; };
  const auto many = [](unsigned i) {
    return "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".1";
  };
  const auto of_a_link = [](unsigned i) { return "192.0.2." + std::to_string(i % 256); };
  const auto of_a_64 = [](unsigned i) { return "2001:db8::" + std::to_string(i); };
  constexpr std::size_t most = reflection_loans::at_a_time;
  {
    reflection_loans loans;
    EXPECT_EQ(lent(loans, one, many, begin), most);
    EXPECT_EQ(lent(loans, one, many, begin + seconds{1}), 0U);
    EXPECT_EQ(lent(loans, one, many, begin + seconds{20}), 10U * 1'024);
    EXPECT_EQ(lent(loans, one, many, begin + seconds{3'600}), most);
  }
  {
    reflection_loans loans;
    EXPECT_EQ(lent(loans, many, of_a_link, begin), most);
    EXPECT_TRUE(loans.take(1'024, ip("10.0.255.1"), ip("192.0.3.1"), begin)) << "another link";
    EXPECT_TRUE(loans.take(1'024, ip("10.0.254.1"), ip("192.0.3.2"), begin));
  }
  reflection_loans loans;
  EXPECT_EQ(lent(loans, many, of_a_64, begin), most);
}

TEST(reflection_loans, of_which_a_target_has_no_more_cost_the_source_nothing) {
  reflection_loans loans;
  const auto ip = [](const char* text) { return *ip_address::parse(text); };
  constexpr std::size_t most = reflection_loans::at_a_time;
  EXPECT_TRUE(loans.take(most, ip("203.0.113.1"), ip("192.0.2.1"), {}));
  EXPECT_FALSE(loans.take(most, ip("203.0.113.2"), ip("192.0.2.2"), {}));
  EXPECT_TRUE(loans.take(most, ip("203.0.113.2"), ip("198.51.100.1"), {}));
}

TEST(answered_addresses, are_known_for_an_hour_and_the_oldest_makes_room) {
  answered_addresses known{2};
  const instant begin{};
  const auto at = [](const char* text) { return *socket_address::parse(text); };
  known.note(at("192.0.2.1:1"), begin);
  EXPECT_TRUE(known.contains(at("192.0.2.1:1"), begin + seconds{3'599}));
  EXPECT_FALSE(known.contains(at("192.0.2.1:1"), begin + seconds{3'600}));
  EXPECT_FALSE(known.contains(at("192.0.2.1:2"), begin));
  known.note(at("192.0.2.1:2"), begin);
  known.note(at("192.0.2.1:1"), begin);
  known.note(at("192.0.2.1:3"), begin);
  EXPECT_TRUE(known.contains(at("192.0.2.1:1"), begin));
  EXPECT_FALSE(known.contains(at("192.0.2.1:2"), begin));
  EXPECT_EQ(known.size(), 2U);
}

/// Bytes that an unanswered request has sent to each address until it has failed.
std::map<std::string, std::size_t> sent_by_silence(proxy_fixture& t, const request_parts& p) {
  t.receive(p);
  t.out.advance(seconds{200});
  std::map<std::string, std::size_t> bytes;
  while (!t.out.sent.empty()) {
    const sent_message m = t.out.take();
    if (!m.text.starts_with("SIP/2.0")) bytes[m.to.address.to_string()] += m.text.size();
  }
  return bytes;
}

std::size_t sum(const std::map<std::string, std::size_t>& bytes) {
  std::size_t all = 0;
  for (const auto& [address, some] : bytes) all += some;
  return all;
}

TEST(reflection, a_request_sends_ten_times_its_bytes_to_addresses_that_do_not_answer) {
  for (const char* const method : {"INVITE", "OPTIONS"}) {
    for (const std::size_t targets : {1U, 2U, 7U, 32U}) {
      proxy_fixture t;
      t.ways.clear();
      for (std::size_t i = 0; i < targets; ++i) {
        const std::string address = "192.0.2.66:" + std::to_string(5'000 + i);
        t.ways.push_back({"sip:victim@" + address, {target_at(address)}});
      }
      request_parts p;
      p.method = method;
      const std::size_t bound = 10 * request_text(p).size();
      const auto bytes = sent_by_silence(t, p);
      EXPECT_LE(sum(bytes), bound) << method << " to " << targets;
      EXPECT_GE(bytes.size(), std::min<std::size_t>(targets, 7)) << method << " to " << targets;
      EXPECT_GT(sum(bytes), bound / 2) << method << " to " << targets;
    }
  }
}

TEST(reflection, what_has_answered_a_tcp_peer_and_what_the_operator_names_are_not_bounded) {
  request_parts p;
  p.method = "OPTIONS";
  const std::size_t bound = 10 * request_text(p).size();
  const auto of = [&](target to, named_by named, bool answers) {
    proxy_fixture t;
    t.named = named;
    t.ways = {{"sip:bob@192.0.2.2", {to}}};
    if (answers) {
      request_parts before = p;
      before.via += "before";
      before.call_id = "before";
      t.receive(before);
      t.answer(t.take("OPTIONS"), 404);
      t.take("404");
    }
    return sum(sent_by_silence(t, p));
  };
  const target udp = target_at("192.0.2.2");
  EXPECT_LE(of(udp, named_by::stranger, false), bound);
  EXPECT_GT(of(udp, named_by::stranger, true), bound) << "11 copies";
  EXPECT_GT(of(udp, named_by::us, false), bound);
  EXPECT_LT(of(target_at("192.0.2.2", transport_kind::tcp), named_by::stranger, false), bound);
}

/// Bytes of all responses that were sent since.
std::size_t answered(proxy_fixture& t) {
  std::size_t bytes = 0;
  while (!t.out.sent.empty())
    if (const sent_message m = t.out.take(); m.text.starts_with("SIP/2.0")) bytes += m.text.size();
  return bytes;
}

// The source of a datagram may be forged: what a callee answers, and says again, is bounded too.
TEST(reflection, answers_to_a_datagram_are_ten_times_its_bytes_until_it_shows_that_it_asked) {
  request_parts p;
  const std::size_t bound = std::max<std::size_t>(10 * request_text(p).size(), 1'300);
  for (const int status : {200, 486}) {
    proxy_fixture t;
    t.receive(p);
    std::size_t bytes = t.take("100").text.size();
    const auto invite = t.take("INVITE");
    const std::string more = "X: " + std::string(700, 'x') + "\r\n";
    for (int i = 0; i < 20; ++i) {
      t.answer(invite, 183, "bob-1", more);
      t.answer(invite, status, "bob-1", more); // a 200 is the callee's to repeat
      t.out.advance(seconds{3});
      bytes += answered(t);
    }
    EXPECT_LE(bytes, bound) << status;
    EXPECT_GT(bytes, bound / 2) << status;
    EXPECT_GT(t.layer.counters().withheld, 0U);
  }
}

TEST(reflection, the_first_final_response_always_goes_and_a_copy_of_the_request_pays_for_more) {
  for (const char* const method : {"INVITE", "MESSAGE"}) {
    request_parts p;
    p.method = method;
    transaction_limits limits;
    limits.lingering = 0; // the MESSAGE is one that has ended
    proxy_fixture t{{}, limits};
    t.receive(p);
    if (p.method == "INVITE") t.take("100");
    const std::size_t request_size = request_text(p).size();
    t.answer(t.take(method), 486, "bob-1", "X: " + std::string(11 * request_size, 'x') + "\r\n");
    const auto answer = p.method == "INVITE" ? (t.take("ACK"), t.take("486")) : t.take("486");
    EXPECT_GT(answer.text.size(), 10 * request_size);
    t.out.advance(seconds{3});
    EXPECT_EQ(t.sent(), "") << method;
    t.receive(p);
    EXPECT_EQ(t.sent(), "") << method << ": 11 times its bytes";
    t.receive(p);
    EXPECT_EQ(t.sent(), p.method == "INVITE" ? "486" : "") << "a transaction sums them up";
  }
}

TEST(reflection, whoever_a_datagram_names_in_its_via_gets_one_copy) {
  transaction_fixture t;
  t.start(transaction_kind::server_invite, transport_kind::udp);
  EXPECT_TRUE(t.respond(486));
  t.other_ways = {target_at("192.0.2.66"), target_at("192.0.2.67")};
  const auto first = t.out.take();
  t.layer.on_datagram_refused(first.text);
  t.out.end_turn();
  EXPECT_EQ(t.out.take().to.address, target_at("192.0.2.66").address);
  t.out.advance(seconds{60});
  EXPECT_TRUE(t.out.sent.empty()) << t.out.sent.size();
}

std::string branch_of(const std::string& text) {
  return std::string{sip::via::parse(parsed(text).first(sip::header_id::via).value())->branch()};
}

// A phone may answer from another port than it listens at; it has the branch from what it was sent.
TEST(reflection, an_answer_proves_the_address_that_was_sent_its_branch_wherever_it_comes_from) {
  proxy_fixture t;
  request_parts p;
  p.method = "OPTIONS";
  t.receive(p);
  auto sent = t.take("OPTIONS");
  sent.to = target_at("192.0.2.2:6000");
  t.answer(sent, 404);
  t.take("404");
  p.via += "x";
  p.call_id = "x";
  EXPECT_GT(sum(sent_by_silence(t, p)), 10 * request_text(p).size());
}

// Who is one target of a request knows nothing of what the others were sent.
TEST(reflection, the_branch_of_one_target_does_not_tell_that_of_another) {
  proxy_fixture t;
  t.ways = {{"sip:accomplice@192.0.2.66", {target_at("192.0.2.66")}},
            {"sip:victim@192.0.2.77", {target_at("192.0.2.77")}}};
  t.receive({});
  t.take("100");
  const std::string own = branch_of(t.take("INVITE").text);
  const std::string other = branch_of(t.take("INVITE").text);
  ASSERT_TRUE(own.ends_with(".0.0")); // of this one, and of the shard
  ASSERT_TRUE(other.ends_with(".1.0"));
  const auto unique = [](const std::string& of) { return of.substr(of.find('.'), 13); };
  EXPECT_NE(unique(own), unique(other));
}

TEST(reflection, what_goes_without_a_transaction_is_bounded_too) {
  for (const named_by named : {named_by::stranger, named_by::us}) {
    proxy_fixture t;
    request_parts p;
    p.method = "OPTIONS";
    sip::message request = make_request(p);
    const auto routing = routing_hash(request, t.layer.secret());
    ASSERT_TRUE(request.edit().append("P-Long", std::string(10 * request_text(p).size(), 'x')));
    const target to = target_at("192.0.2.66");
    const auto sent =
        t.core.forward_stateless(request, arrived_from("192.0.2.1:5060"),
                                 {.uri = p.uri, .targets = {&to, 1}, .named = named}, routing);
    EXPECT_EQ(sent.has_value(), named == named_by::us);
  }
}

// Of contacts that were accepted none is left out: who registers many of them with few bytes, and
// whose TCP is refused where the request is large, has each of them rung once.
TEST(reflection, each_address_gets_one_copy_whatever_was_paid_and_none_gets_more_than_its_share) {
  for (const std::size_t body : {500U, 900U, 1'250U}) {
    proxy_fixture t;
    t.out.refuses = [](const target& to) {
      return is_reliable(to.transport) ? std::optional{send_error::refused} : std::nullopt;
    };
    t.ways.clear();
    for (int i = 1; i <= 30; ++i) {
      target to = target_at("198.51.100." + std::to_string(i));
      to.choice = transport_choice::open;
      t.ways.push_back({"sip:bob@" + to.address.to_string(), {to}});
    }
    request_parts p;
    p.body = std::string(body, 'x');
    const auto bytes = sent_by_silence(t, p);
    EXPECT_EQ(bytes.size(), 30U) << body;
    for (const auto& [address, some] : bytes)
      EXPECT_LE(some, 10 * request_text(p).size()) << address;
    EXPECT_LE(sum(bytes), 10 * request_text(p).size() + 30 * (request_text(p).size() + 200));
  }
}

// Each request would have been lent 32 copies otherwise, without end.
TEST(reflection, what_is_lent_to_a_source_is_bounded_over_all_its_requests) {
  for (const bool are_of_one_link : {true, false}) {
    proxy_fixture t;
    t.ways.clear();
    for (unsigned i = 0; i < 32; ++i) {
      const target to = target_at(are_of_one_link ? "192.0.2." + std::to_string(100 + i)
                                                  : "10.0." + std::to_string(i) + ".1");
      t.ways.push_back({"sip:" + std::string(300, 'u') + "@" + to.address.to_string(), {to}});
    }
    request_parts p;
    p.method = "OPTIONS";
    std::size_t spent = 0;
    std::size_t reflected = 0;
    constexpr unsigned requests = 60;
    for (unsigned i = 0; i < requests; ++i) {
      request_parts one = p;
      one.via += std::to_string(i);
      one.call_id += std::to_string(i);
      spent += request_text(one).size();
      t.receive(one, are_of_one_link ? "203.0." + std::to_string(i) + ".7:5060" // forged
                                     : "203.0.113.7:" + std::to_string(1'024 + i));
      while (!t.out.sent.empty())
        if (const auto m = t.out.take(); !m.text.starts_with("SIP/2.0")) reflected += m.text.size();
    }
    EXPECT_GT(reflected, spent);
    EXPECT_LE(reflected, most_reflected * spent + reflection_loans::at_a_time) << are_of_one_link;
    reflected = 0;
    t.out.advance(seconds{200});
    while (!t.out.sent.empty())
      if (const auto m = t.out.take(); !m.text.starts_with("SIP/2.0")) reflected += m.text.size();
    EXPECT_LE(reflected, most_reflected * spent) << "no copy of what was lent";
  }
}

TEST(reflection, branches_of_later_rounds_come_out_of_the_same_bytes) {
  proxy_fixture t;
  unsigned rounds = 0;
  result<unsigned, forward_errc> last = 0U;
  t.on_failed = [&](context_handle c, int) {
    if (++rounds > 12) return failure_verdict::decided;
    last = t.relay(c, t.core.request_of(c));
    return failure_verdict::decided;
  };
  const request_parts p;
  const auto bytes = [&] {
    auto all = sent_by_silence(t, p);
    t.out.advance(seconds{600});
    while (!t.out.sent.empty())
      if (const auto m = t.out.take(); !m.text.starts_with("SIP/2.0"))
        all[m.to.address.to_string()] += m.text.size();
    return sum(all);
  }();
  EXPECT_LE(bytes, 10 * request_text(p).size());
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error(), forward_errc::unanswered);
}

/// Rings phones with an INVITE that is too long for a datagram; all are busy, and the request goes
/// to others. \return what became of it there
result<unsigned, forward_errc> go_on_after_tcp(proxy_fixture& t,
                                               const std::vector<std::string>& phones,
                                               const std::vector<proxy_fixture::way>& others) {
  t.ways.clear();
  for (const std::string& phone : phones) {
    target to = target_at(phone);
    to.choice = transport_choice::open;
    t.ways.push_back({"sip:bob@" + phone, {to}});
  }
  unsigned rounds = 0;
  result<unsigned, forward_errc> second = 0U;
  t.on_failed = [&](context_handle c, int) {
    if (rounds++ > 0) return failure_verdict::decided;
    t.ways = others;
    second = t.relay(c, t.core.request_of(c));
    return failure_verdict::decided;
  };
  request_parts p;
  p.body = std::string(1'250, 'x');
  t.receive(p);
  t.take("100");
  std::vector<sent_message> invites;
  for (std::size_t i = 0; i < phones.size(); ++i) {
    invites.push_back(t.take("INVITE"));
    EXPECT_EQ(invites.back().to.transport, transport_kind::tcp);
  }
  for (const sent_message& invite : invites) t.answer(invite, 486);
  t.on_failed = nullptr;
  EXPECT_EQ(rounds, 1U);
  return second;
}

TEST(reflection, what_was_set_aside_for_a_datagram_is_there_again_when_tcp_works) {
  proxy_fixture t;
  std::vector<std::string> phones;
  for (unsigned i = 1; i <= 7; ++i) phones.push_back("198.51.100." + std::to_string(i));
  EXPECT_TRUE(go_on_after_tcp(t, phones, {{"sip:carol@203.0.113.1", {target_at("203.0.113.1")}}}))
      << "there are no bytes left for another address";
}

TEST(reflection, what_was_lent_is_not_given_back) {
  proxy_fixture t;
  std::vector<std::string> phones; // more than the request pays for
  std::vector<proxy_fixture::way> others;
  for (unsigned i = 1; i <= 15; ++i) {
    phones.push_back("198.51." + std::to_string(i) + ".1");
    const std::string address = "203.0.113.1:" + std::to_string(6'000 + i);
    others.push_back({"sip:carol@" + address, {target_at(address)}});
  }
  const auto sent = go_on_after_tcp(t, phones, others);
  ASSERT_TRUE(sent);
  EXPECT_GE(*sent, 1U);
  EXPECT_LE(*sent, most_reflected) << "datagrams to one address for one request";
}

} // namespace
} // namespace tandem::stack

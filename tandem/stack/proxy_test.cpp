// SPDX-License-Identifier: Apache-2.0
// The proxy core: forwarding and responses (RFC 3261 16.6, 16.7), forking, failures.
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/proxy_for_test.hpp>

#include <tuple>

namespace tandem::stack {
namespace {

using namespace for_test;
using id = sip::header_id;

proxy_fixture::way way_to(const std::string& address) {
  return {"sip:bob@" + address, {target_at(address)}};
}

request_parts request_of(const std::string& method) {
  request_parts p;
  p.method = method;
  return p;
}

TEST(proxy, an_invite_is_answered_100_and_forwarded_with_our_via_on_top) {
  proxy_fixture t;
  request_parts p;
  p.more = "X-Custom: kept As-Is\r\n";
  t.receive(p);
  const auto trying = t.take("100");
  EXPECT_TRUE(trying.text.starts_with("SIP/2.0 100 trying -- your call is important to us\r\n"));
  EXPECT_EQ(parsed(trying.text).to_tag(), "");
  const auto sent = t.take("INVITE");
  const sip::message m = parsed(sent.text);
  EXPECT_EQ(count_values(m, id::via), 2U);
  EXPECT_TRUE(m.top_via().starts_with("SIP/2.0/UDP 192.0.2.100;branch=z9hG4bK"));
  EXPECT_EQ(m.back(id::via), p.via);
  // A silent defect of other stacks: names of unknown headers came out in lower case.
  EXPECT_NE(sent.text.find("\r\nX-Custom: kept As-Is\r\n"), std::string::npos);
  EXPECT_EQ(t.sent(), "");
}

TEST(proxy, another_request_gets_no_100_at_once) {
  proxy_fixture t;
  t.receive(request_of("MESSAGE"));
  EXPECT_EQ(t.sent(), "MESSAGE");
  t.out.advance(milliseconds{3'600});
  EXPECT_NE(t.sent().find("100"), std::string::npos) << "RFC 4320 4.1";
}

TEST(proxy, responses_go_back_without_our_via_and_never_100) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  t.answer(sent, 100);
  EXPECT_EQ(t.sent(), "");
  t.answer(sent, 180);
  const auto ringing = t.take("180");
  EXPECT_EQ(count_values(parsed(ringing.text), id::via), 1U);
  EXPECT_EQ(ringing.to.address, target_at("192.0.2.1").address);
  t.answer(sent, 200);
  t.take("200");
  EXPECT_EQ(t.heard(), "final 200 end");
  EXPECT_EQ(t.core.size(), 0U);
}

TEST(proxy, copies_of_the_2xx_go_back_after_the_context_is_gone) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  t.answer(sent, 200);
  EXPECT_EQ(t.core.size(), 0U);
  t.answer(sent, 200);
  EXPECT_EQ(t.sent(), "200 200");
  t.receive({});
  EXPECT_EQ(t.sent(), "") << "the INVITE once more is absorbed";
}

TEST(proxy, the_ack_for_a_2xx_is_forwarded_without_a_transaction) {
  proxy_fixture t;
  request_parts ack = request_of("ACK");
  ack.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack";
  t.receive(ack);
  t.receive(ack);
  const auto first = t.take("ACK");
  const auto second = t.take("ACK");
  EXPECT_EQ(first.text, second.text) << "the same branch for a copy";
  EXPECT_EQ(t.layer.size(), 0U);
}

TEST(proxy, a_failure_is_acknowledged_here_and_its_ack_absorbed) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  t.answer(sent, 486);
  EXPECT_EQ(t.sent(), "ACK 486");
  request_parts ack = request_of("ACK");
  ack.to += ";tag=bob-1";
  t.receive(ack);
  EXPECT_EQ(t.sent(), "");
  EXPECT_EQ(t.heard(), "failure 486 final 486 end");
}

TEST(proxy, forks_in_parallel_with_a_branch_each_and_all_provisionals_go_back) {
  proxy_fixture t;
  t.ways = {way_to("192.0.2.2"), way_to("192.0.2.3")};
  t.receive({});
  t.take("100");
  const auto a = t.take("INVITE");
  const auto b = t.take("INVITE");
  EXPECT_NE(parsed(a.text).key()->branch, parsed(b.text).key()->branch);
  EXPECT_EQ(parsed(a.text).first(id::max_breadth), "30") << "RFC 5393 5.3.3: shared";
  t.answer(a, 180, "bob-a");
  t.answer(b, 183, "bob-b");
  EXPECT_EQ(t.sent(), "180 183");
}

TEST(proxy, the_first_2xx_cancels_the_rest_and_a_second_2xx_goes_back_too) {
  proxy_fixture t;
  t.ways = {way_to("192.0.2.2"), way_to("192.0.2.3")};
  t.receive({});
  t.take("100");
  const auto a = t.take("INVITE");
  const auto b = t.take("INVITE");
  t.answer(b, 180, "bob-b");
  t.sent();
  t.answer(a, 200, "bob-a");
  const auto cancel = t.take("CANCEL");
  EXPECT_EQ(cancel.to.address, target_at("192.0.2.3").address);
  EXPECT_EQ(parsed(cancel.text).first(id::reason),
            R"(SIP;cause=200;text="Call completed elsewhere")");
  t.take("200");
  t.answer(b, 200, "bob-b");
  EXPECT_EQ(parsed(t.take("200").text).to_tag(), "bob-b");
  EXPECT_EQ(t.heard(), "final 200 end");
}

TEST(proxy, waits_for_all_failures_and_sends_the_best) {
  struct choice {
    response_choice rule;
    int first;
    int second;
    const char* best;
  };
  for (const auto& [rule, first, second, best] :
       {choice{response_choice::lowest_code, 486, 404, "404"},
        choice{response_choice::lowest_code, 603, 404, "404"},
        choice{response_choice::rfc_3261, 404, 603, "603"},
        choice{response_choice::rfc_3261, 404, 407, "407"},
        choice{response_choice::rfc_3261, 404, 302, "302"},
        choice{response_choice::rfc_3261, 486, 503, "486"},
        choice{response_choice::rfc_3261, 503, 503, "500"}}) {
    proxy_fixture t{{.choice = rule, .cancels_on_6xx = rule == response_choice::rfc_3261}};
    t.ways = {way_to("192.0.2.2"), way_to("192.0.2.3")};
    t.receive({});
    t.take("100");
    const auto a = t.take("INVITE");
    const auto b = t.take("INVITE");
    t.answer(a, first);
    EXPECT_EQ(t.sent(), "ACK");
    t.answer(b, second);
    EXPECT_EQ(t.sent(), std::string{"ACK "} + best);
  }
}

TEST(proxy, a_6xx_cancels_the_others_but_waits_for_them) {
  proxy_fixture t;
  t.ways = {way_to("192.0.2.2"), way_to("192.0.2.3")};
  t.receive({});
  t.take("100");
  const auto a = t.take("INVITE");
  const auto b = t.take("INVITE");
  t.answer(b, 180);
  t.take("180");
  t.answer(a, 603);
  EXPECT_EQ(t.sent(), "ACK CANCEL");
  t.answer(b, 487);
  EXPECT_EQ(t.sent(), "ACK 603");
}

// RFC 3261 16.7 step 7
TEST(proxy, challenges_of_all_branches_go_back_together) {
  proxy_fixture t;
  t.ways = {way_to("192.0.2.2"), way_to("192.0.2.3")};
  t.receive({});
  t.take("100");
  const auto a = t.take("INVITE");
  const auto b = t.take("INVITE");
  t.answer(a, 407, "x", "Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\"\r\n");
  t.answer(b, 401, "y", "WWW-Authenticate: Digest realm=\"b\", nonce=\"2\"\r\n");
  t.take("ACK");
  t.take("ACK");
  const sip::message m = parsed(t.take("401").text);
  EXPECT_EQ(m.first(id::www_authenticate), "Digest realm=\"b\", nonce=\"2\"");
  EXPECT_EQ(m.first(id::proxy_authenticate), "Digest realm=\"a\", nonce=\"1\"");
}

TEST(proxy, a_transport_error_counts_as_503_and_goes_back_as_500) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  t.layer.on_datagram_refused(sent.text);
  EXPECT_EQ(t.heard(), "failure 503 final 500 end");
  EXPECT_EQ(t.sent(), "500");
}

// RFC 3263 4.3
TEST(proxy, tries_the_next_address_after_an_error_and_after_503_with_a_new_branch) {
  proxy_fixture t;
  t.ways = {
      {"sip:bob@h", {target_at("192.0.2.2"), target_at("192.0.2.3"), target_at("192.0.2.4")}}};
  t.receive({});
  t.take("100");
  const auto first = t.take("INVITE");
  t.layer.on_send_error(first.on_behalf_of, send_error::refused);
  const auto second = t.take("INVITE");
  EXPECT_EQ(second.to.address, target_at("192.0.2.3").address);
  EXPECT_NE(parsed(first.text).key()->branch, parsed(second.text).key()->branch);
  t.answer(second, 503);
  t.take("ACK");
  const auto third = t.take("INVITE");
  EXPECT_EQ(third.to.address, target_at("192.0.2.4").address);
  t.answer(third, 503);
  EXPECT_EQ(t.sent(), "ACK 500");
}

// RFC 3263 4.3
TEST(proxy, tries_servers_last_that_failed_a_moment_ago) {
  proxy_fixture t;
  t.ways = {{"sip:bob@h", {target_at("192.0.2.2"), target_at("192.0.2.3")}}};
  const auto first_server_of = [&](const std::string& call) {
    request_parts r = request_of("MESSAGE");
    r.call_id = call;
    r.via += call;
    t.receive(r);
    return t.take("MESSAGE");
  };
  const auto failing = first_server_of("one");
  EXPECT_EQ(failing.to.address, target_at("192.0.2.2").address);
  t.answer(failing, 503);
  t.answer(t.take("MESSAGE"), 200);
  EXPECT_EQ(t.sent(), "200");
  // Now the second one is the first, and the first the second.
  const auto next = first_server_of("two");
  EXPECT_EQ(next.to.address, target_at("192.0.2.3").address);
  t.layer.on_send_error(next.on_behalf_of, send_error::refused);
  const auto again = t.take("MESSAGE");
  EXPECT_EQ(again.to.address, target_at("192.0.2.2").address);
  // It has answered, so that it is first again.
  t.answer(again, 200);
  EXPECT_EQ(t.sent(), "200");
  const auto later = first_server_of("three");
  EXPECT_EQ(later.to.address, target_at("192.0.2.2").address);
  t.answer(later, 200);
  EXPECT_EQ(t.sent(), "200");
  // Both have failed: their order counts again, and nobody is refused.
  t.core.failed().note(target_at("192.0.2.2"), t.out.now());
  t.core.failed().note(target_at("192.0.2.3"), t.out.now());
  EXPECT_EQ(first_server_of("four").to.address, target_at("192.0.2.2").address);
}

// RFC 3263 4.1
TEST(proxy, passes_over_addresses_that_no_listener_reaches) {
  proxy_fixture t;
  t.out.has_v6 = false;
  const auto v6 = target_at("[2001:db8::2]:5060");
  t.ways = {{"sip:bob@h", {v6, target_at("192.0.2.3"), v6, target_at("192.0.2.4")}}};
  t.receive({});
  t.take("100");
  const auto first = t.take("INVITE");
  EXPECT_EQ(first.to.address, target_at("192.0.2.3").address);
  t.layer.on_send_error(first.on_behalf_of, send_error::refused);
  EXPECT_EQ(t.take("INVITE").to.address, target_at("192.0.2.4").address);

  request_parts ack = request_of("ACK");
  ack.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKack";
  t.receive(ack);
  EXPECT_EQ(t.take("ACK").to.address, target_at("192.0.2.4").address) << "the first one has failed";

  request_parts another = request_of("MESSAGE");
  another.call_id = "another";
  another.via += "x";
  t.ways = {{"sip:bob@h", {v6}}};
  t.receive(another);
  EXPECT_EQ(t.sent(), "478");
}

// RFC 3261 18.1.1
TEST(proxy, names_the_group_in_the_via_of_a_multicast_request) {
  for (const auto& [to, ttl, says] :
       {std::tuple{"224.0.1.75", 5, ";maddr=224.0.1.75;ttl=5;branch="},
        std::tuple{"224.0.1.75", 0, ";maddr=224.0.1.75;ttl=1;branch="},
        std::tuple{"[ff02::1]", 3, ";maddr=[ff02::1];branch="}}) {
    proxy_fixture t;
    t.ways[0].targets[0] = target_at(to);
    t.ways[0].targets[0].ttl = static_cast<std::uint8_t>(ttl);
    t.receive(request_of("MESSAGE"));
    const std::string via{parsed(t.take("MESSAGE").text).top_via()};
    EXPECT_NE(via.find(says), std::string::npos) << via;
  }
}

TEST(proxy, a_copy_of_an_ack_is_sent_once) {
  proxy_fixture t;
  const sip::message ack = make_request(request_of("ACK"));
  const std::vector<target> to{target_at("192.0.2.9")};
  ASSERT_TRUE(t.core.replicate(ack, {"sip:bob@192.0.2.9", to}, {}));
  ASSERT_TRUE(t.core.replicate(make_request(request_of("MESSAGE")), {"sip:bob@192.0.2.9", to}, {}));
  EXPECT_EQ(t.sent(), "ACK MESSAGE");
  t.out.advance(milliseconds{600});
  EXPECT_EQ(t.sent(), "MESSAGE");
}

// RFC 3261 18.1.1
TEST(proxy, a_large_request_goes_by_tcp_and_by_udp_when_that_is_refused) {
  proxy_fixture t;
  const auto first = t.send_large_invite();
  EXPECT_TRUE(parsed(first.text).top_via().starts_with("SIP/2.0/TCP "));
  const auto second = t.refuse_tcp(first);
  EXPECT_TRUE(parsed(second.text).top_via().starts_with("SIP/2.0/UDP "));
}

// RFC 5626 5.3, 5.3.1: the connection that a phone behind a NAT was reached by is gone, and no
// other one leads there.
TEST(proxy, a_connection_that_is_gone_fails_within_a_dialog_with_430_and_else_with_480) {
  for (const bool is_in_dialog : {false, true}) {
    for (const char* const method : {"INVITE", "BYE", "MESSAGE"}) {
      proxy_fixture t;
      target flow = target_at("192.0.2.2", transport_kind::tcp);
      flow.flow = {7, 1, 0};
      t.ways = {{"sip:bob@10.0.0.2", {flow}}};
      t.out.refuses = [](const target& to) {
        return to.flow ? std::optional{send_error::closed} : std::nullopt;
      };
      request_parts p;
      p.method = method;
      if (is_in_dialog) p.to += ";tag=bob-1";
      t.receive(p);
      t.out.end_turn();
      if (p.method == "INVITE") t.take("100");
      t.take(is_in_dialog ? "430" : "480");
      EXPECT_TRUE(t.out.sent.empty());
    }
  }
}

TEST(proxy, tls_without_a_listener_is_refused_not_downgraded) {
  proxy_fixture t;
  t.ways[0].targets[0].transport = transport_kind::tls;
  t.receive({});
  ASSERT_FALSE(t.relayed);
  EXPECT_EQ(t.relayed.error(), forward_errc::no_listener);
  EXPECT_EQ(t.sent(), "100 478");
}

// RFC 4320 4.2
TEST(proxy, a_timeout_of_another_request_sends_nothing_upstream) {
  proxy_fixture t;
  t.receive(request_of("MESSAGE"));
  t.out.advance(seconds{33});
  EXPECT_EQ(t.heard(), "failure 408 final 0 end");
  EXPECT_EQ(t.sent().find("408"), std::string::npos);
  t.receive(request_of("MESSAGE"));
  EXPECT_EQ(t.heard(), "") << "late copies are absorbed";
}

TEST(proxy, an_invite_without_any_response_is_answered_408) {
  proxy_fixture t;
  t.receive({});
  t.out.advance(seconds{32});
  EXPECT_EQ(t.heard(), "failure 408 final 408 end");
  EXPECT_TRUE(t.sent().ends_with("408"));
}

// RFC 3261 16.8
TEST(proxy, timer_c_cancels_and_answers_408) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  t.answer(sent, 180);
  t.take("180");
  t.out.advance(seconds{100});
  t.answer(sent, 180);
  t.take("180");
  t.out.advance(seconds{184});
  EXPECT_EQ(t.sent(), "") << "each 18x gives the whole time again";
  t.out.advance(seconds{1});
  EXPECT_EQ(t.sent(), "CANCEL 408");
  t.answer(sent, 487);
  EXPECT_EQ(t.sent(), "ACK");
}

TEST(proxy, timer_c_is_silent_where_that_is_wanted) {
  proxy_fixture t;
  t.may_be_silent = true;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  t.answer(sent, 180);
  t.take("180");
  t.out.advance(seconds{185});
  EXPECT_EQ(t.sent(), "");
  EXPECT_EQ(t.heard(), "final 0 end");
  t.out.advance(seconds{32});
  EXPECT_EQ(t.layer.size(), 0U);
}

TEST(proxy, addresses_that_were_tried_count_neither_as_branches_nor_against_silence) {
  proxy_settings settings;
  settings.max_branches = 1;
  proxy_fixture t{settings};
  t.ways = {{"sip:bob@192.0.2.2",
             {target_at("192.0.2.2"), target_at("192.0.2.3"), target_at("192.0.2.4")}}};
  t.may_be_silent = true;
  t.receive({});
  t.take("100");
  for (int tried = 0; tried < 2; ++tried) {
    t.answer(t.take("INVITE"), 503);
    t.take("ACK");
  }
  t.answer(t.take("INVITE"), 180);
  t.take("180");
  t.out.advance(seconds{185});
  EXPECT_EQ(t.sent(), "");
  EXPECT_EQ(t.heard(), "final 0 end");
}

TEST(proxy, a_2xx_that_crosses_timer_c_still_goes_upstream) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  t.answer(sent, 180);
  t.out.advance(seconds{185});
  t.sent();
  t.answer(sent, 200);
  EXPECT_EQ(t.sent(), "200");
}

// What a script does after a failure.
TEST(proxy, new_branches_after_a_failure_postpone_the_answer_and_old_codes_compete) {
  proxy_fixture t;
  bool first = true;
  t.on_failed = [&](context_handle c, int) {
    if (!std::exchange(first, false)) return failure_verdict::decided;
    t.ways = {way_to("192.0.2.9")};
    EXPECT_TRUE(t.relay(c, t.core.request_of(c)));
    return failure_verdict::decided;
  };
  t.receive({});
  t.take("100");
  t.answer(t.take("INVITE"), 404);
  t.take("ACK");
  const auto again = t.take("INVITE");
  EXPECT_EQ(again.to.address, target_at("192.0.2.9").address);
  t.answer(again, 486);
  EXPECT_EQ(t.sent(), "ACK 404");
  EXPECT_EQ(t.heard(), "failure 404 failure 404 final 404 end");
}

TEST(proxy, a_reply_of_the_script_wins_over_the_failure) {
  proxy_fixture t;
  t.on_failed = [&](context_handle c, int) {
    EXPECT_TRUE(t.core.reply(c, 600, "Busy everywhere"));
    return failure_verdict::decided;
  };
  t.receive({});
  t.take("100");
  t.answer(t.take("INVITE"), 486);
  EXPECT_EQ(t.sent(), "ACK 600");
  EXPECT_EQ(t.heard(), "failure 486 final 600 end");
}

TEST(proxy, a_suspended_program_postpones_the_answer) {
  proxy_fixture t;
  t.on_failed = [](context_handle, int) { return failure_verdict::later; };
  t.receive({});
  t.take("100");
  t.answer(t.take("INVITE"), 486);
  EXPECT_EQ(t.sent(), "ACK");
  t.core.conclude(t.context);
  EXPECT_EQ(t.sent(), "486");
  EXPECT_EQ(t.core.size(), 0U);
}

TEST(proxy, edits_in_onreply_go_upstream) {
  proxy_fixture t;
  t.on_replied = [](context_handle, sip::message& m) {
    EXPECT_TRUE(m.edit().append("X-Seen", "yes"));
  };
  t.receive({});
  t.take("100");
  t.answer(t.take("INVITE"), 180);
  EXPECT_EQ(parsed(t.take("180").text).first("X-Seen"), "yes");
}

TEST(proxy, a_replicated_request_sends_no_response_back) {
  proxy_fixture t;
  const std::vector<target> to{target_at("192.0.2.7")};
  ASSERT_TRUE(t.core.replicate(make_request(request_of("REGISTER")), {"sip:192.0.2.7", to}, {}));
  const auto sent = t.take("REGISTER");
  t.answer(sent, 200);
  EXPECT_EQ(t.sent(), "");
  t.out.advance(seconds{6});
  EXPECT_EQ(t.layer.size(), 0U);
}

} // namespace
} // namespace tandem::stack

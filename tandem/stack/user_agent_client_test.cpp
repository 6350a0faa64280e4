// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/user_agent_client.hpp>

#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/request_draft.hpp>
#include <tandem/stack/virtual_outbox.hpp>

#include <map>

namespace tandem::stack {
namespace {

using namespace for_test;

/// A user agent client in virtual time, in front of a core that notes what is left for it.
class own_requests : public ::testing::Test, public request_user {
 protected:
  own_requests() {
    layer.set_core(*this);
    out.on_send_error = [this](origin o, send_error why) { layer.on_send_error(o, why); };
    names["192.0.2.2"] = {target_at("192.0.2.2")};
  }

  void begin(std::string_view method, request_terms terms = {}, std::string_view more = {}) {
    auto made = make_own_request({.method = method,
                                  .uri = "sip:bob@192.0.2.2",
                                  .headers = "From: <sip:we@example.com>;tag=ours\nTo: sip:bob@x\n"
                                             "Call-ID: call-1\n" +
                                             std::string{more}});
    ASSERT_TRUE(made) << to_string(made.error());
    terms.on_answer = [this](own_answer a) {
      answers.push_back(std::to_string(a.status) + (a.response ? "" : " ours"));
    };
    terms.on_provisional = [this](const sip::message& m) {
      answers.push_back(std::to_string(m.status()));
    };
    const auto sent = agent.send(std::move(*made), std::move(terms));
    if (sent)
      last = *sent;
    else
      answers.emplace_back(sent.error() == own_errc::full ? "full" : "draining");
    out.end_turn();
  }
  void receive(std::string_view text) {
    auto m = parsed(text);
    if (m.is_request())
      layer.receive_request(m, arrived_from("192.0.2.2:5060"));
    else
      layer.receive_response(m, arrived_from("192.0.2.2:5060"));
    out.end_turn();
  }
  void answer(const sent_message& to, int status, std::string_view tag = "bob-1",
              std::string_view more = {}) {
    receive(answer_text(to.text, status, tag, more));
  }
  sent_message take(std::string_view kind) {
    sent_message m = out.take();
    EXPECT_EQ(m.kind(), kind) << m.text;
    return m;
  }
  std::string heard() {
    std::string all;
    for (const std::string& each : std::exchange(answers, {}))
      all += (all.empty() ? "" : ", ") + each;
    return all;
  }
  void expect_the_end() {
    out.advance(std::chrono::minutes{30});
    EXPECT_EQ(agent.size(), 0U);
    EXPECT_EQ(agent.bytes(), 0U);
    EXPECT_FALSE(agent.has_unanswered());
    EXPECT_EQ(layer.size(), 0U);
    EXPECT_EQ(layer.counters().impossible, 0U);
  }

  static constexpr std::string_view contact = "Contact: <sip:bob@192.0.2.7:5070>\r\n";

  virtual_outbox out;
  transaction_layer layer{out, timer_settings{}};
  std::map<std::string, std::vector<target>> names;
  std::vector<user_agent_client::found_targets> searches; ///< that are not over yet
  user_agent_client agent{
      layer, [this](const std::string& uri, const user_agent_client::found_targets& found) {
        const auto parsed_uri = sip::uri::parse(uri);
        const std::string host{parsed_uri->host().text};
        if (host == "slow.example") {
          searches.push_back(found);
        } else if (const auto ip = ip_address::parse(host); ip && !names.contains(host)) {
          const std::array<target, 1> one{
              target_at(host + ":" + std::to_string(parsed_uri->port().value_or(5060)))};
          found(one);
        } else {
          found(names[host]);
        }
      }};
  std::vector<std::string> answers;
  std::vector<std::string> left; ///< for the core
  own_handle last;

 private:
  void on_request(sip::message& request, const arrival&) override {
    left.emplace_back(request.method_text());
  }
  void on_cancel(server_handle, sip::message&, const arrival&) override {}
  void on_stray_response(sip::message& response, const arrival&) override {
    left.push_back(std::to_string(response.status()));
  }
};

TEST_F(own_requests, a_request_has_its_response_and_nothing_stays) {
  begin("OPTIONS");
  const auto sent = take("OPTIONS");
  EXPECT_EQ(sent.to.address.to_string(), "192.0.2.2:5060");
  const auto m = parsed(sent.text);
  EXPECT_EQ(m.count(sip::header_id::via), 1U);
  EXPECT_TRUE(m.top_via().starts_with("SIP/2.0/UDP 192.0.2.100;branch=z9hG4bK")) << m.top_via();
  EXPECT_EQ(heard(), "");
  answer(sent, 180);
  answer(sent, 200);
  EXPECT_EQ(heard(), "180, 200");
  expect_the_end();
  EXPECT_EQ(heard(), "");
}

// RFC 3261 8.1.3.1
TEST_F(own_requests, silence_is_408_and_what_cannot_be_sent_is_503_or_478) {
  begin("OPTIONS");
  expect_the_end();
  EXPECT_EQ(heard(), "408 ours");
  out.sent.clear();
  begin("INVITE");
  expect_the_end();
  EXPECT_EQ(heard(), "408 ours");
  out.refuses = [](const target&) { return send_error::refused; };
  begin("OPTIONS");
  expect_the_end();
  EXPECT_EQ(heard(), "503 ours");
  names["192.0.2.2"].clear();
  begin("OPTIONS");
  EXPECT_EQ(heard(), "") << "not from inside of the call";
  expect_the_end();
  EXPECT_EQ(heard(), "478 ours");
}

TEST_F(own_requests, an_invite_that_rings_for_ever_ends_with_408) {
  begin("INVITE");
  const auto invite = take("INVITE");
  answer(invite, 180);
  out.advance(timer_settings{}.timer_c + milliseconds{100});
  EXPECT_EQ(heard(), "180");
  const auto cancel = take("CANCEL");
  EXPECT_EQ(parsed(cancel.text).top_via(), parsed(invite.text).top_via());
  answer(cancel, 200);
  answer(invite, 487);
  EXPECT_EQ(heard(), "408 ours");
  take("ACK");
  expect_the_end();
}

TEST_F(own_requests, whoever_keeps_ringing_is_given_up_at_the_end_of_the_time) {
  begin("INVITE", {.longest = seconds{30}});
  const auto invite = take("INVITE");
  answer(invite, 180);
  out.advance(seconds{31});
  EXPECT_EQ(heard(), "180, 408 ours");
  answer(take("CANCEL"), 200);
  out.sent.clear(); // its copies
  // It was accepted all the same: nobody is there any more.
  answer(invite, 200, "bob-1", contact);
  take("ACK");
  answer(take("BYE"), 200);
  EXPECT_EQ(heard(), "");
  expect_the_end();
}

// RFC 3261 13.2.2.4
TEST_F(own_requests, each_copy_of_a_2xx_is_acknowledged_with_the_same_ack) {
  begin("INVITE", {}, "CSeq: 7 INVITE\nRoute: <sip:192.0.2.2;lr>\n");
  const auto invite = take("INVITE");
  const std::string route = "Record-Route: <sip:192.0.2.9;lr>\r\n" + std::string{contact};
  answer(invite, 200, "bob-1", route);
  EXPECT_EQ(heard(), "200");
  const auto ack = take("ACK");
  EXPECT_EQ(ack.to.address.to_string(), "192.0.2.9:5060");
  const auto m = parsed(ack.text);
  EXPECT_EQ(m.request_uri(), "sip:bob@192.0.2.7:5070");
  EXPECT_EQ(m.first(sip::header_id::route), "<sip:192.0.2.9;lr>");
  EXPECT_EQ(m.first(sip::header_id::cseq), "7 ACK");
  EXPECT_EQ(m.to_tag(), "bob-1");
  EXPECT_EQ(m.from_tag(), "ours");
  EXPECT_NE(m.top_via(), parsed(invite.text).top_via());
  out.advance(seconds{5});
  answer(invite, 200, "bob-1", route);
  EXPECT_EQ(take("ACK").text, ack.text);
  EXPECT_EQ(heard(), "");
  expect_the_end();
}

TEST_F(own_requests, of_a_forked_invite_the_first_dialog_is_the_callers_and_the_others_end) {
  begin("INVITE");
  const auto invite = take("INVITE");
  answer(invite, 200, "one", contact);
  take("ACK");
  answer(invite, 200, "two", "Contact: <sip:carol@192.0.2.8>\r\n");
  EXPECT_EQ(parsed(take("ACK").text).to_tag(), "two");
  const auto bye = take("BYE");
  EXPECT_EQ(bye.to.address.to_string(), "192.0.2.8:5060");
  EXPECT_EQ(parsed(bye.text).to_tag(), "two");
  EXPECT_EQ(parsed(bye.text).first(sip::header_id::cseq), "2 BYE");
  answer(bye, 200);
  answer(invite, 200, "two", "Contact: <sip:carol@192.0.2.8>\r\n");
  take("ACK");
  for (std::size_t i = 0; i < 2 * user_agent_client::most_forks; ++i)
    answer(invite, 200, "more" + std::to_string(i), contact);
  EXPECT_LE(out.sent.size(), 2 * user_agent_client::most_forks);
  EXPECT_EQ(heard(), "200");
  expect_the_end();
}

TEST_F(own_requests, a_2xx_without_contact_is_acknowledged_where_the_invite_went) {
  begin("INVITE");
  const auto invite = take("INVITE");
  answer(invite, 200);
  const auto ack = take("ACK");
  EXPECT_EQ(ack.to.address, invite.to.address);
  EXPECT_EQ(parsed(ack.text).request_uri(), "sip:bob@192.0.2.2");
  expect_the_end();
}

TEST_F(own_requests, an_ack_waits_for_the_address_of_its_next_hop) {
  begin("INVITE");
  const auto invite = take("INVITE");
  answer(invite, 200, "bob-1", "Contact: <sip:bob@slow.example>\r\n");
  EXPECT_EQ(heard(), "200");
  answer(invite, 200, "bob-1", "Contact: <sip:bob@slow.example>\r\n");
  EXPECT_TRUE(out.sent.empty());
  ASSERT_EQ(searches.size(), 1U);
  const std::array<target, 1> one{target_at("192.0.2.30")};
  searches[0](one);
  EXPECT_EQ(take("ACK").to.address.to_string(), "192.0.2.30:5060");
  expect_the_end();
}

// RFC 3261 9.1
TEST_F(own_requests, an_invite_is_given_up_once_somebody_has_answered) {
  begin("INVITE");
  const auto invite = take("INVITE");
  agent.cancel(last);
  EXPECT_TRUE(out.sent.empty());
  answer(invite, 180);
  answer(take("CANCEL"), 200);
  answer(invite, 487);
  take("ACK");
  EXPECT_EQ(heard(), "180, 487");
  begin("INVITE", {.next_hop = "sip:slow.example"});
  agent.cancel(last);
  EXPECT_EQ(heard(), "");
  const std::array<target, 1> one{target_at("192.0.2.30")};
  searches[0](one);
  expect_the_end();
  EXPECT_EQ(heard(), "487 ours");
  EXPECT_TRUE(out.sent.empty());
}

// RFC 3263 4.3
TEST_F(own_requests, the_next_address_is_tried_where_one_is_silent_refuses_or_is_overloaded) {
  names["192.0.2.2"] = {target_at("192.0.2.11"), target_at("192.0.2.12"), target_at("192.0.2.13"),
                        target_at("192.0.2.14")};
  out.refuses = [](const target& to) {
    return to.address == target_at("192.0.2.11").address ? std::optional{send_error::refused}
                                                         : std::nullopt;
  };
  begin("OPTIONS");
  const auto second = take("OPTIONS");
  EXPECT_EQ(second.to.address.to_string(), "192.0.2.12:5060");
  answer(second, 503);
  EXPECT_EQ(take("OPTIONS").to.address.to_string(), "192.0.2.13:5060");
  out.advance(seconds{33});
  while (!out.sent.empty() && out.sent.front().to.address == target_at("192.0.2.13").address)
    out.sent.pop_front();
  const auto last_one = take("OPTIONS");
  EXPECT_EQ(last_one.to.address.to_string(), "192.0.2.14:5060");
  EXPECT_NE(parsed(last_one.text).top_via(), parsed(second.text).top_via());
  answer(last_one, 503);
  EXPECT_EQ(heard(), "503");
  expect_the_end();
  begin("OPTIONS", {.fails_over = false});
  expect_the_end();
  EXPECT_EQ(heard(), "503 ours");
}

// RFC 3261 8.1.3.4
TEST_F(own_requests, redirections_are_followed_as_far_as_the_caller_wants) {
  constexpr std::string_view moved =
      "Contact: <sip:c@192.0.2.21>;q=0.2, <sip:d@192.0.2.22>;q=0.9\r\n";
  begin("INVITE");
  answer(take("INVITE"), 302, "t", moved);
  take("ACK");
  EXPECT_EQ(heard(), "302");
  begin("INVITE", {.redirects = 1});
  answer(take("INVITE"), 302, "t", moved);
  take("ACK");
  const auto second = take("INVITE");
  EXPECT_EQ(parsed(second.text).request_uri(), "sip:d@192.0.2.22");
  EXPECT_EQ(parsed(second.text).first(sip::header_id::cseq), "2 INVITE");
  EXPECT_EQ(parsed(second.text).first(sip::header_id::to), "sip:bob@x");
  answer(second, 486);
  take("ACK");
  const auto third = take("INVITE");
  EXPECT_EQ(parsed(third.text).request_uri(), "sip:c@192.0.2.21");
  answer(third, 302, "t", "Contact: <sip:e@192.0.2.23>\r\n");
  take("ACK");
  EXPECT_EQ(heard(), "302") << "more of them than the caller wants";
  expect_the_end();
}

TEST_F(own_requests, a_circle_of_redirections_and_a_downgrade_end) {
  begin("OPTIONS", {.redirects = 100});
  answer(take("OPTIONS"), 302, "t", "Contact: <sip:c@192.0.2.21>\r\n");
  answer(take("OPTIONS"), 302, "t", "Contact: <sip:c@192.0.2.21>, <sip:d@192.0.2.22>\r\n");
  answer(take("OPTIONS"), 302, "t", "Contact: <sip:c@192.0.2.21>, <sip:d@192.0.2.22>\r\n");
  EXPECT_EQ(heard(), "302");
  expect_the_end();
}

TEST_F(own_requests, a_redirection_brings_no_more_than_ten_times_its_bytes_to_whom_it_names) {
  begin("MESSAGE", {.redirects = 1}, "X: " + std::string(700, 'x') + "\n");
  answer(take("MESSAGE"), 302, "t", "Contact: <sip:c@192.0.2.21>\r\n");
  const auto redirected = take("MESSAGE");
  expect_the_end();
  std::size_t bytes = redirected.text.size();
  for (const sent_message& m : out.sent) bytes += m.text.size();
  EXPECT_LE(bytes, 10 * answer_text(redirected.text, 302, "t").size() + 400);
  EXPECT_LT(out.sent.size(), 10U);
  EXPECT_EQ(heard(), "408 ours");
}

// RFC 3261 22.2
TEST_F(own_requests, a_challenge_is_answered_for_the_realm_and_host_of_an_account_alone) {
  constexpr std::string_view challenge =
      "WWW-Authenticate: Digest realm=\"example\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n";
  begin("OPTIONS");
  answer(take("OPTIONS"), 401, "t", challenge);
  EXPECT_EQ(heard(), "401");
  agent.set_accounts({{.realm = "example",
                       .host = "192.0.2.2",
                       .username = "we",
                       .password = secret{"open sesame"}}});
  begin("INVITE");
  const auto first = take("INVITE");
  answer(first, 401, "t", challenge);
  take("ACK");
  const auto second = take("INVITE");
  const auto m = parsed(second.text);
  EXPECT_EQ(m.count(sip::header_id::authorization), 1U);
  EXPECT_EQ(second.text.find("open sesame"), second.text.npos);
  EXPECT_EQ(m.first(sip::header_id::cseq), "2 INVITE");
  EXPECT_EQ(m.call_id(), "call-1");
  EXPECT_NE(m.top_via(), parsed(first.text).top_via());
  EXPECT_EQ(heard(), "");
  answer(second, 200, "bob-1", contact);
  const auto ack = parsed(take("ACK").text);
  EXPECT_EQ(ack.first(sip::header_id::authorization), m.first(sip::header_id::authorization));
  EXPECT_EQ(heard(), "200");
  expect_the_end();
  begin("OPTIONS", {.next_hop = "sip:192.0.2.66"});
  answer(take("OPTIONS"), 401, "t", challenge);
  EXPECT_EQ(heard(), "401") << "of another host";
  begin("OPTIONS");
  answer(take("OPTIONS"), 401, "t", challenge);
  answer(take("OPTIONS"), 401, "t", challenge);
  EXPECT_EQ(heard(), "401") << "the password is wrong";
}

TEST_F(own_requests, what_the_peer_of_a_dialog_sends_is_answered_here) {
  std::vector<std::string> told;
  begin("INVITE",
        {.on_request = [&told](const sip::message& m) { told.emplace_back(m.method_text()); }});
  answer(take("INVITE"), 200, "bob-1", contact);
  take("ACK");
  request_parts p{.uri = "sip:we@192.0.2.100",
                  .call_id = "call-1",
                  .from = "<sip:bob@x>;tag=bob-1",
                  .to = "<sip:we@example.com>;tag=ours"};
  const auto ask = [&](std::string method) {
    p.method = std::move(method);
    p.via = "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK" + std::to_string(++p.cseq);
    receive(request_text(p));
    return std::string{out.take().kind()};
  };
  EXPECT_EQ(ask("NOTIFY"), "200");
  EXPECT_EQ(ask("OPTIONS"), "200");
  EXPECT_EQ(ask("INVITE"), "488");
  EXPECT_EQ(ask("ACK"), "");
  EXPECT_EQ(ask("INFO"), "405");
  EXPECT_EQ(ask("BYE"), "200");
  EXPECT_EQ(ask("NOTIFY"), "200") << "of a REFER, behind the BYE";
  EXPECT_EQ(told,
            (std::vector<std::string>{"NOTIFY", "OPTIONS", "INVITE", "INFO", "BYE", "NOTIFY"}));
  EXPECT_TRUE(left.empty());
  p.to = "<sip:we@example.com>;tag=another";
  EXPECT_EQ(ask("BYE"), "");
  p.to = "<sip:we@example.com>";
  EXPECT_EQ(ask("NOTIFY"), "");
  EXPECT_EQ(left, (std::vector<std::string>{"BYE", "NOTIFY"})) << "are for the script";
}

TEST_F(own_requests, a_drain_gives_up_invites_and_answers_for_the_rest_when_it_is_over) {
  begin("INVITE");
  begin("OPTIONS");
  begin("MESSAGE");
  const auto invite = take("INVITE");
  take("OPTIONS");
  const auto message = take("MESSAGE");
  answer(invite, 180);
  agent.drain(out.now() + seconds{5});
  const auto cancel = take("CANCEL");
  answer(cancel, 200);
  answer(invite, 487);
  answer(message, 200);
  EXPECT_EQ(heard(), "180, 487, 200");
  begin("OPTIONS");
  EXPECT_EQ(heard(), "draining");
  EXPECT_TRUE(agent.has_unanswered());
  out.advance(seconds{5} + milliseconds{20});
  EXPECT_EQ(heard(), "487 ours");
  expect_the_end();
}

TEST_F(own_requests, their_number_and_bytes_are_bounded) {
  for (std::size_t i = 0; i < user_agent_client::most_requests; ++i)
    begin("OPTIONS", {.next_hop = "sip:slow.example"});
  EXPECT_EQ(heard(), "");
  begin("OPTIONS", {.next_hop = "sip:slow.example"});
  EXPECT_EQ(heard(), "full");
  expect_the_end();
  answers.clear();
  const std::string large = "X: " + std::string(60'000, 'x') + "\n";
  for (std::size_t i = 0; i < user_agent_client::most_requests && answers.empty(); ++i)
    begin("OPTIONS", {.next_hop = "sip:slow.example"}, large);
  EXPECT_EQ(heard(), "full");
  EXPECT_LE(agent.bytes(), user_agent_client::most_bytes);
  expect_the_end();
}

TEST_F(own_requests, a_search_that_ends_after_everything_harms_nobody) {
  begin("OPTIONS", {.next_hop = "sip:slow.example"});
  {
    transaction_layer other{out, timer_settings{}};
    user_agent_client short_lived{
        other, [this](const std::string&, const auto& found) { searches.push_back(found); }};
    ASSERT_TRUE(short_lived.send(
        std::move(*make_own_request(
            {.method = "OPTIONS", .uri = "sip:x@y", .headers = "From: sip:a@x\nTo: sip:b@x"})),
        {}));
  }
  expect_the_end();
  EXPECT_EQ(heard(), "408 ours");
  const std::array<target, 1> one{target_at("192.0.2.30")};
  for (const auto& found : searches) found(one);
  EXPECT_TRUE(out.sent.empty());
}

} // namespace
} // namespace tandem::stack

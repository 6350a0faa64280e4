// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/sip/single_values.hpp>

#include <fmt/format.h>

namespace tandem::modules::for_test {
namespace {

class tm : public script_fixture {
 protected:
  static request_parts to(std::string_view uri, std::string method = "INVITE") {
    auto p = request(std::move(method));
    p.uri = uri;
    return p;
  }
};

TEST_F(tm, relays_an_invite_with_100_at_once_and_passes_the_answer_back) {
  load_route("t_relay();");
  receive(request("INVITE"));
  take("100");
  const auto invite = take("INVITE");
  EXPECT_EQ(invite.to.address.to_string(), "192.0.2.2:5060");
  EXPECT_EQ(count_values(parsed(invite.text), sip::header_id::via), 2U);
  answer(invite, 180);
  answer(invite, 200);
  take("180");
  const auto ok = take_parsed("200");
  EXPECT_EQ(count_values(ok, sip::header_id::via), 1U);
  EXPECT_EQ(ok.to_tag(), "bob-1");
}

TEST_F(tm, absorbs_copies_of_a_request_before_the_script) {
  load_route(R"(t_newtran(); t_reply("404", "No");)");
  receive(request("INVITE"));
  EXPECT_EQ(sent(), "404");
  receive(request("INVITE"));
  EXPECT_EQ(sent(), "404");
  EXPECT_EQ(core->counters().requests, 1U);
  receive(request("ACK"));
  EXPECT_EQ(core->counters().requests, 1U);
}

TEST_F(tm, forks_to_request_uri_and_branches_and_the_first_2xx_cancels_the_others) {
  load_route(R"(append_branch("sip:b@192.0.2.3"); t_relay();)");
  receive(request("INVITE"));
  take("100");
  const auto first = take("INVITE");
  const auto second = take("INVITE");
  EXPECT_EQ(second.to.address.to_string(), "192.0.2.3:5060");
  answer(first, 180);
  answer(second, 180, {}, "bob-2");
  EXPECT_EQ(sent(), "180 180");
  answer(second, 200, {}, "bob-2");
  // What is queued first is not promised.
  const std::string now = sent();
  EXPECT_NE(now.find("200"), std::string::npos) << now;
  EXPECT_NE(now.find("CANCEL"), std::string::npos) << now;
}

TEST_F(tm, forks_serially_from_failure_routes) {
  load_route(R"(t_on_failure("1"); rewriteuri("sip:one@192.0.2.11"); t_relay();)", R"(
failure_route[1] { append_branch("sip:two@192.0.2.12"); t_on_failure("2"); t_relay(); }
failure_route[2] { append_branch("sip:three@192.0.2.13"); t_relay(); }
)");
  receive(request("INVITE"));
  take("100");
  auto m = take("INVITE");
  EXPECT_EQ(parsed(m.text).request_uri(), "sip:one@192.0.2.11");
  answer(m, 486);
  take("ACK");
  m = take("INVITE");
  EXPECT_EQ(parsed(m.text).request_uri(), "sip:two@192.0.2.12");
  answer(m, 480);
  take("ACK");
  m = take("INVITE");
  EXPECT_EQ(parsed(m.text).request_uri(), "sip:three@192.0.2.13");
  answer(m, 404);
  take("ACK");
  const auto final = take_parsed("404");
  EXPECT_EQ(sent(), "");
}

TEST_F(tm, t_reply_in_a_failure_route_wins_over_the_failure) {
  load_route(R"(t_on_failure("1"); t_relay();)", R"(
failure_route[1] { if (t_check_status("48.")) t_reply("302", "Moved"); }
)");
  receive(request("INVITE"));
  take("100");
  answer(take("INVITE"), 486);
  EXPECT_EQ(sent(), "ACK 302");
}

TEST_F(tm, a_failure_route_without_new_branches_lets_the_failure_pass) {
  load_route(R"(t_on_failure("1"); t_relay();)", R"(
failure_route[1] { if (!t_relay()) xdbg("nothing to add"); }
)");
  receive(request("INVITE"));
  take("100");
  answer(take("INVITE"), 486);
  EXPECT_EQ(sent(), "ACK 486");
}

TEST_F(tm, a_timeout_is_a_408_that_failure_routes_see) {
  load_route(R"(t_on_failure("1"); t_relay();)", R"(
modparam("tm", "fr_timer", 5)
failure_route[1] { if (t_check_status("408")) t_reply("480", "Nobody"); }
)");
  receive(request("INVITE"));
  out.advance(seconds{6});
  const std::string all = sent();
  EXPECT_TRUE(all.ends_with("480")) << all;
}

TEST_F(tm, cancel_is_answered_goes_to_ringing_branches_and_its_failure_route_adds_no_branch) {
  load_route(R"(t_on_failure("1"); t_relay();)", R"(
failure_route[1] {
  append_branch("sip:two@192.0.2.12");
  if (!t_relay()) { if (t_is_canceled()) xdbg("as it should"); }
}
)");
  receive(request("INVITE"));
  take("100");
  const auto invite = take("INVITE");
  answer(invite, 180);
  take("180");
  receive(request("CANCEL"));
  const std::string reaction = sent();
  EXPECT_NE(reaction.find("200"), std::string::npos) << reaction;
  EXPECT_NE(reaction.find("CANCEL"), std::string::npos) << reaction;
  answer(invite, 487);
  EXPECT_EQ(sent(), "ACK 487");
}

// RFC 3261 9.2: whoever names an address in a CANCEL does not have it sent there.
TEST_F(tm, a_cancel_of_nothing_gets_481_wherever_it_leads) {
  load_route(R"(if (!t_relay()) sl_send_reply("500", "No");)");
  for (const char* const uri :
       {"sip:bob@example.com", "sip:bob@192.0.2.2", "sip:bob@192.0.2.2:80;transport=tcp"}) {
    receive(to(uri, "CANCEL"));
    EXPECT_EQ(sent(), "481") << uri;
    auto routed = to(uri, "CANCEL");
    routed.more = "Route: <sip:192.0.2.66;lr>\r\n";
    receive(routed);
    EXPECT_EQ(sent(), "481") << uri;
  }
  // RFC 3261 16.10, 16.11: a script that forwards without transactions says so.
  load_route(R"(forward("192.0.2.2");)");
  receive(to("sip:bob@192.0.2.2", "CANCEL"));
  EXPECT_EQ(sent(), "CANCEL");
}

TEST_F(tm, the_ack_of_a_2xx_is_forwarded_without_transaction) {
  load_route("t_relay();");
  auto p = request("ACK");
  p.to += ";tag=bob-1";
  receive(p);
  EXPECT_EQ(sent(), "ACK");
  EXPECT_EQ(layer.size(), 0U);
}

TEST_F(tm, t_on_reply_shows_each_reply_and_may_edit_it) {
  load_route(R"(setflag(3); t_on_reply("1"); t_relay();)", R"(
onreply_route[1] {
  if (isflagset(3)) append_hf("X-Seen: $rs $rm\r\n");
  if (status=~"18.") remove_hf("X-Secret");
}
)");
  receive(request("INVITE"));
  take("100");
  const auto invite = take("INVITE");
  answer(invite, 180, "X-Secret: 1\r\n");
  const auto ringing = take_parsed("180");
  EXPECT_EQ(ringing.first("X-Seen"), "180 INVITE");
  EXPECT_FALSE(ringing.has("X-Secret"));
  answer(invite, 200, "X-Secret: 1\r\n");
  const auto ok = take_parsed("200");
  EXPECT_EQ(ok.first("X-Seen"), "200 INVITE");
  EXPECT_TRUE(ok.has("X-Secret"));
}

TEST_F(tm, t_on_failure_0_from_an_onreply_route_disarms) {
  load_route(R"(t_on_failure("1"); t_on_reply("1"); t_relay();)", R"(
onreply_route[1] { if (status=~"18.") t_on_failure("0"); }
failure_route[1] { t_reply("600", "Never"); }
)");
  receive(request("INVITE"));
  take("100");
  const auto invite = take("INVITE");
  answer(invite, 183);
  answer(invite, 486);
  EXPECT_EQ(sent(), "183 ACK 486");
}

TEST_F(tm, refuses_to_relay_with_no_hops_left) {
  load_route("t_relay();");
  std::string text = stack::for_test::request_text(request("INVITE"));
  text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
  receive_text(text);
  EXPECT_EQ(sent(), "483");
}

TEST_F(tm, answers_482_to_a_loop) {
  load_route(R"(rewriteuri("sip:x@192.0.2.100"); if (!t_relay()) sl_reply_error();)");
  receive(to("sip:x@192.0.2.100", "MESSAGE"));
  const auto again = take("MESSAGE");
  receive_text(again.text, "192.0.2.100:5060");
  EXPECT_EQ(sent(), "482");
}

TEST_F(tm, t_retransmit_reply_sends_the_last_reply_again) {
  load_route(R"(t_newtran(); if (t_retransmit_reply()) log("nothing was said yet");
                t_reply("404", "No"); t_retransmit_reply();)");
  receive(request("MESSAGE"));
  EXPECT_EQ(sent(), "404 404");
}

TEST_F(tm, t_release_ends_in_silence_and_copies_are_absorbed_still) {
  load_route("t_newtran(); t_release(); t_unref();");
  receive(request("MESSAGE"));
  receive(request("MESSAGE"));
  EXPECT_EQ(sent(), "");
  EXPECT_EQ(core->counters().requests, 1U);
  EXPECT_EQ(layer.size(), 1U);
}

TEST_F(tm, t_lookup_request_knows_transactions_of_this_request_and_invites_of_a_cancel) {
  for (const std::string name : {"t_lookup_request", "t_check_trans"}) {
    load_route(fmt::format(R"(
        if (method=="CANCEL") {{
          if ({0}()) sl_send_reply("200", "yes"); else sl_send_reply("200", "no");
        }} else {{
          if ({0}()) log("before"); else t_newtran();
          if ({0}()) t_reply("183", "yes");
        }})",
                           name));
    auto invite = request("INVITE");
    invite.via += name;
    invite.call_id = name;
    receive(invite);
    EXPECT_EQ(take_parsed("183").reason(), "yes") << name;
    auto cancel = invite;
    cancel.method = "CANCEL";
    receive(cancel);
    EXPECT_EQ(take_parsed("200").reason(), "yes") << name;
    cancel.via += "other";
    receive(cancel);
    EXPECT_EQ(take_parsed("200").reason(), "no") << name;
  }
}

TEST_F(tm, t_fork_to_adds_a_way_beside_the_request_uri) {
  load_route(R"(t_fork_to("192.0.2.7", "5071");)");
  receive(request("MESSAGE"));
  EXPECT_EQ(take("MESSAGE").to.address.to_string(), "192.0.2.2:5060");
  const auto other = take("MESSAGE");
  EXPECT_EQ(other.to.address.to_string(), "192.0.2.7:5071");
  EXPECT_EQ(parsed(other.text).request_uri(), "sip:bob@192.0.2.2");
}

TEST_F(tm, every_way_of_t_forward_nonack_and_t_replicate_has_its_transport) {
  struct row {
    std::string_view call, kind;
    transport_kind by;
  };
  const row table[] = {
      {R"(t_forward_nonack("192.0.2.7", "5071"))", "192.0.2.7:5071", transport_kind::udp},
      {R"(t_forward_nonack_udp("192.0.2.7", "5071"))", "192.0.2.7:5071", transport_kind::udp},
      {R"(t_forward_nonack_tcp("192.0.2.7", "5071"))", "192.0.2.7:5071", transport_kind::tcp},
      {R"(t_forward_nonack_uri())", "192.0.2.2:5060", transport_kind::udp},
      {R"(t_replicate("192.0.2.7", "5071"))", "192.0.2.7:5071", transport_kind::udp},
      {R"(t_replicate_udp("192.0.2.7", "5071"))", "192.0.2.7:5071", transport_kind::udp},
      {R"(t_replicate_tcp("192.0.2.7", "5071"))", "192.0.2.7:5071", transport_kind::tcp},
  };
  for (const row& r : table) {
    load_route(std::string{r.call} + ";");
    auto p = request("MESSAGE");
    p.via += std::to_string(&r - table);
    p.call_id = std::to_string(&r - table);
    receive(p);
    const auto m = take("MESSAGE");
    EXPECT_EQ(m.to.address.to_string(), r.kind) << r.call;
    EXPECT_EQ(m.to.transport, r.by) << r.call;
  }
  for (const char* call : {"t_forward_nonack_tls", "t_replicate_tls"}) {
    load_route("if (!" + std::string{call} +
               R"(("192.0.2.7", "5061")) sl_reply_error(); else sl_send_reply("500", "sent");)");
    auto p = request("MESSAGE");
    p.via += call;
    p.call_id = call;
    receive(p);
    EXPECT_EQ(sent(), "478") << call;
  }
}

TEST_F(tm, t_relay_to_sends_elsewhere_with_the_request_uri_unchanged) {
  load_route(R"(t_relay_to_udp("192.0.2.7", "5071");)");
  receive(request("MESSAGE"));
  const auto m = take("MESSAGE");
  EXPECT_EQ(m.to.address.to_string(), "192.0.2.7:5071");
  EXPECT_EQ(parsed(m.text).request_uri(), "sip:bob@192.0.2.2");
}

TEST_F(tm, t_replicate_sends_a_copy_whose_replies_go_nowhere) {
  load_route(R"(t_replicate("192.0.2.7", "5071"); sl_send_reply("200", "OK");)");
  receive(request("REGISTER"));
  const auto copy = take("REGISTER");
  EXPECT_EQ(copy.to.address.to_string(), "192.0.2.7:5071");
  take("200");
  answer(copy, 200);
  EXPECT_EQ(sent(), "");
}

TEST_F(tm, chooses_the_lowest_code_in_classic_mode_and_6xx_first_in_rfc_mode) {
  for (const bool is_classic : {true, false}) {
    load_route(R"(append_branch("sip:b@192.0.2.3"); t_relay();)",
               is_classic ? "compat=\"classic\"\n" : "compat=\"rfc\"\n");
    auto p = request("MESSAGE");
    p.via += is_classic ? "c" : "r";
    p.call_id = is_classic ? "c" : "r";
    receive(p);
    const auto first = take("MESSAGE");
    const auto second = take("MESSAGE");
    answer(first, 603);
    answer(second, 404, {}, "bob-2");
    EXPECT_EQ(sent(), is_classic ? "404" : "603");
  }
}

// RFC 3261 26.2.2, RFC 5630 5.3
TEST_F(tm, what_is_asked_for_by_sips_is_refused_whatever_way_the_script_names) {
  unsigned n = 0;
  for (const std::string call :
       {R"(t_relay_to_udp("192.0.2.7", "5071"))", R"(t_relay_to_tcp("192.0.2.7", "5071"))",
        R"(t_forward_nonack("192.0.2.7", "5071"))", R"(t_forward_nonack_tcp("192.0.2.7", "5071"))",
        R"(t_replicate("192.0.2.7", "5071"))", R"(t_replicate_tcp("192.0.2.7", "5071"))",
        R"(forward("192.0.2.7", "5071"))", R"(forward_tcp("192.0.2.7", "5071"))",
        R"(send("192.0.2.7", "5071"))", R"(send_tcp("192.0.2.7", "5071"))"}) {
    load_route("if (!" + call + ") sl_reply_error();");
    auto p = to("sips:bob@192.0.2.2", "MESSAGE");
    p.via += std::to_string(++n);
    p.call_id = std::to_string(n);
    receive(p);
    EXPECT_EQ(sent(), "480") << call;
  }
}

// RFC 3261 16.6 step 6: what the next hop is; the script decides first.
TEST_F(tm, a_hop_that_the_script_names_goes_before_a_route_that_is_left) {
  unsigned n = 0;
  for (const std::string call :
       {R"(t_relay_to_udp("192.0.2.7", "5071"))", R"(t_forward_nonack("192.0.2.7", "5071"))"})
    for (const char* const route : {"<sip:192.0.2.9>", "<sip:192.0.2.9;lr>"}) {
      load_route(call + ";");
      auto p = request("MESSAGE");
      p.via += std::to_string(++n);
      p.call_id = std::to_string(n);
      p.more = "Route: " + std::string{route} + "\r\n";
      receive(p);
      EXPECT_EQ(take("MESSAGE").to.address.to_string(), "192.0.2.7:5071") << call << route;
    }
}

// RFC 3261 8.2.2.1
TEST_F(tm, a_scheme_that_nobody_routes_is_answered_416_whatever_the_script_does_with_it) {
  unsigned n = 0;
  for (const std::string call :
       {"t_relay()", R"(rewritehost("192.0.2.7"))", R"(rewriteport("5071"))", "strip(1)",
        R"(prefix("1"))", "forward(uri:host, uri:port)", "t_relay_to(uri:host, uri:port)",
        "t_fork_to(uri:host, uri:port)"})
    for (const char* const uri : {"tel:+15550123", "foo:bar"}) {
      load_route("if (!" + call + ") sl_reply_error();");
      auto p = to(uri, "MESSAGE");
      p.via += std::to_string(++n);
      p.call_id = std::to_string(n);
      receive(p);
      EXPECT_EQ(sent(), "416") << call << " " << uri;
    }
}

// RFC 3261 21.4.1, 19.1.1
TEST_F(tm, a_400_says_what_is_wrong_with_a_route) {
  unsigned n = 0;
  for (const std::string call :
       {"t_relay()", R"(t_relay_to("192.0.2.7", "5071"))", R"(forward("192.0.2.7", "5071"))",
        R"(t_replicate("192.0.2.7", "5071"))"}) {
    load_route("if (!" + call + ") sl_reply_error();");
    for (const auto& [route, says] :
         {std::pair{"<sip:192.0.2.9;lr", "Bad Route: "},
          std::pair{"<sip:192.0.2.9:x;lr>", "Bad Route: "},
          std::pair{"<sip:a.example;lr;maddr=192.0.2.8;maddr=192.0.2.9>",
                    "Repeated Parameter in Route"}}) {
      auto p = request("MESSAGE");
      p.via += std::to_string(++n);
      p.call_id = std::to_string(n);
      p.more = "Route: " + std::string{route} + "\r\n";
      receive(p);
      const auto answer = take_parsed("400");
      EXPECT_TRUE(answer.reason().starts_with(says)) << call << route << answer.reason();
      EXPECT_GT(answer.reason().size(), std::string_view{"Bad Route: "}.size());
      EXPECT_EQ(sent(), "") << call << route;
    }
  }
}

// RFC 3261 18.3: what a datagram has behind its end would be the next message of the stream.
TEST_F(tm, what_send_tcp_puts_on_a_stream_has_its_length) {
  load_route(R"(send_tcp("192.0.2.7", "5071");)");
  auto p = request("MESSAGE");
  p.body = "INVITE sip:evil SIP/2.0\r\n\r\n";
  std::string text = stack::for_test::request_text(p);
  const std::string length = "Content-Length: " + std::to_string(p.body.size());
  for (const auto& [line, body] :
       {std::pair<std::string, std::string>{"", p.body},
        std::pair<std::string, std::string>{"Content-Length: 0\r\n", ""}}) {
    std::string datagram = text;
    datagram.replace(datagram.find(length), length.size() + 2, line);
    receive_text(datagram);
    const auto m = take("MESSAGE");
    EXPECT_EQ(m.to.transport, transport_kind::tcp);
    const auto end = m.text.find("\r\n\r\n") + 4;
    EXPECT_EQ(m.text.substr(end), body);
    EXPECT_NE(m.text.find("Content-Length: " + std::to_string(body.size()) + "\r\n"),
              std::string::npos)
        << m.text;
  }
}

TEST_F(tm, an_unreachable_target_fails_with_478) {
  load_route(R"(if (!t_relay()) sl_reply_error();)");
  receive(to("sips:bob@192.0.2.2", "MESSAGE"));
  const auto reply = parsed(out.take().text);
  EXPECT_TRUE(reply.status() == 478 || reply.status() == 480) << reply.status();
}

} // namespace
} // namespace tandem::modules::for_test

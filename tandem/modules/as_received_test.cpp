// SPDX-License-Identifier: Apache-2.0
// What answers or matches a request looks at it as it arrived, whatever the script has edited (RFC
// 3261 8.2.6.2, 17.2.3), and each branch begins with the request as it was routed (16.6).
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/sip/single_values.hpp>

namespace tandem::modules::for_test {
namespace {

using id = sip::header_id;

class as_received : public script_fixture {
 protected:
  static constexpr std::string_view edits =
      R"(replace("alice", "anon"); replace("bob@example", "carol@example"); remove_hf("Call-ID");
         append_hf("Call-ID: ours\r\n"); seturi("sip:carol@192.0.2.9"); )";

  /// What a response repeats of the request that every test here begins with.
  static void expect_as_received(const sip::message& response) {
    const request_parts came;
    EXPECT_EQ(response.first(id::from), came.from) << response.to_string();
    EXPECT_TRUE(response.first(id::to)->starts_with(came.to)) << response.to_string();
    EXPECT_EQ(response.first(id::call_id), came.call_id) << response.to_string();
    EXPECT_TRUE(response.top_via().starts_with(came.via)) << response.to_string();
  }
  /// The final response among what was sent, and nothing of the rest.
  sip::message final_response() {
    sip::message last;
    while (!out.sent.empty())
      if (auto m = parsed(out.take().text); m.status() >= 200) last = std::move(m);
    EXPECT_TRUE(last);
    return last;
  }
};

TEST_F(as_received, is_answered_without_a_transaction) {
  load_route(std::string{edits} + R"(sl_send_reply("404", "No");)");
  receive(request("OPTIONS"));
  expect_as_received(take_parsed("404"));
}

TEST_F(as_received, is_answered_within_a_transaction) {
  load_route(std::string{edits} + R"(t_newtran(); t_reply("404", "No");)");
  receive(request("INVITE"));
  expect_as_received(take_parsed("404"));
}

TEST_F(as_received, is_answered_100_and_408_by_the_proxy) {
  load_route(std::string{edits} + "t_relay();");
  receive(request("INVITE"));
  expect_as_received(take_parsed("100"));
  EXPECT_NE(take("INVITE").text.find("anon@"), std::string::npos) << "what goes on has the edits";
  out.advance(seconds{40});
  const auto timeout = final_response();
  EXPECT_EQ(timeout.status(), 408);
  expect_as_received(timeout);
}

TEST_F(as_received, is_answered_487_and_its_cancel_200) {
  load_route(R"(if (method=="CANCEL") { )" + std::string{edits} + "t_relay(); break; }" +
             std::string{edits} + "t_relay();");
  receive(request("INVITE"));
  take("100");
  const auto invite = take("INVITE");
  answer(invite, 180);
  take("180");
  receive(request("CANCEL"));
  expect_as_received(take_parsed("200"));
  take("CANCEL");
  out.advance(seconds{40}); // silence: the 487 is ours
  const auto cancelled = final_response();
  EXPECT_EQ(cancelled.status(), 487);
  expect_as_received(cancelled);
}

TEST_F(as_received, is_answered_by_a_failure_route_too) {
  load_route(std::string{edits} + R"(t_on_failure("1"); t_relay();)", R"(
failure_route[1] { replace("anon", "nobody"); t_reply("480", "No"); }
)");
  receive(request("INVITE"));
  take("100");
  answer(take("INVITE"), 486);
  take("ACK");
  expect_as_received(take_parsed("480"));
}

// RFC 3581 4
TEST_F(as_received, is_answered_by_a_failure_route_with_the_port_that_the_script_has_forced) {
  load_route(R"(force_rport(); t_on_failure("1"); t_relay();)", R"(
failure_route[1] { t_reply("480", "No"); }
)");
  receive(request("INVITE"), "192.0.2.1:40000");
  EXPECT_EQ(take("100").to.address.to_string(), "192.0.2.1:40000");
  answer(take("INVITE"), 486);
  take("ACK");
  const auto reply = take("480");
  EXPECT_EQ(reply.to.address.to_string(), "192.0.2.1:40000");
  EXPECT_NE(parsed(reply.text).top_via().find(";rport=40000"), std::string::npos) << reply.text;
}

// RFC 3261 8.2.6.1: a 100 repeats the Timestamp.
TEST_F(as_received, is_answered_with_the_timestamp_that_came) {
  load_route(R"(remove_hf("Timestamp"); append_hf("Timestamp: 99\r\n"); t_relay();)");
  auto p = request("INVITE");
  p.more = "Timestamp: 54\r\n";
  receive(p);
  EXPECT_EQ(take_parsed("100").first(id::timestamp), "54");
}

TEST_F(as_received, of_a_phone_without_branch_is_matched_by_the_uri_that_came_rfc3261_17_2_3) {
  load_route(
      R"(if (method=="CANCEL") { t_relay(); break; } seturi("sip:carol@192.0.2.9"); t_relay();)");
  auto p = request("INVITE");
  p.via = "SIP/2.0/UDP 192.0.2.1";
  receive(p);
  take("100");
  const auto invite = take("INVITE");
  EXPECT_EQ(parsed(invite.text).request_uri(), "sip:carol@192.0.2.9");
  receive(p);
  EXPECT_EQ(core->counters().requests, 1U) << "a copy";
  sent();
  answer(invite, 180);
  take("180");
  p.method = "CANCEL";
  receive(p);
  EXPECT_EQ(sent(), "200 CANCEL");
}

TEST_F(as_received, keeps_the_port_that_the_script_has_forced_into_its_answers) {
  load_route(R"(force_rport(); sl_send_reply("404", "No");)");
  receive(request("OPTIONS"), "192.0.2.1:40000");
  const auto reply = out.take();
  EXPECT_EQ(reply.to.address.to_string(), "192.0.2.1:40000") << "RFC 3581 4";
  EXPECT_NE(parsed(reply.text).top_via().find("rport=40000"), std::string_view::npos);
}

// ---- branches

class each_branch : public script_fixture {};

TEST_F(each_branch, of_a_failure_route_has_no_path_of_the_one_that_failed_rfc3327) {
  load_route(R"(if (method=="REGISTER") { save("location"); break; }
                record_route(); t_on_failure("1"); lookup("location"); t_relay();)",
             R"(
failure_route[1] { append_branch("sip:carol@192.0.2.12"); t_relay(); }
)");
  auto p = request("REGISTER");
  p.uri = "sip:example.com";
  p.from = p.to;
  p.call_id = "registration";
  p.more =
      "Contact: <sip:bob@198.51.100.9>\r\nSupported: path\r\nPath: <sip:tok@192.0.2.11;lr>\r\n";
  receive(p);
  take("200");
  auto invite = request("INVITE");
  invite.uri = "sip:bob@example.com";
  receive(invite);
  take("100");
  const auto first = take("INVITE");
  EXPECT_EQ(parsed(first.text).first(id::route), "<sip:tok@192.0.2.11;lr>");
  answer(first, 486);
  take("ACK");
  const auto second = take_parsed("INVITE");
  EXPECT_EQ(second.request_uri(), "sip:carol@192.0.2.12");
  EXPECT_FALSE(second.has(id::route)) << second.to_string();
  EXPECT_EQ(count_values(second, id::record_route), 1U);
}

// Where a request comes by UDP and leaves by TCP it has two entries (16.6 step 4); the branch of
// the failure_route leaves by UDP.
TEST_F(each_branch, of_a_failure_route_has_no_second_record_route_of_the_one_that_failed) {
  load_route(R"(record_route(); t_on_failure("1"); t_relay();)", R"(
failure_route[1] { append_branch("sip:carol@192.0.2.12"); t_relay(); }
)");
  auto invite = request("INVITE");
  invite.uri = "sip:bob@198.51.100.9;transport=tcp";
  receive(invite);
  take("100");
  const auto first = take("INVITE");
  EXPECT_EQ(first.to.transport, transport_kind::tcp);
  EXPECT_EQ(count_values(parsed(first.text), id::record_route), 2U) << first.text;
  answer(first, 486);
  take("ACK");
  const auto second = take("INVITE");
  EXPECT_EQ(second.to.transport, transport_kind::udp);
  EXPECT_EQ(count_values(parsed(second.text), id::record_route), 1U) << second.text;
}

TEST_F(each_branch, goes_to_the_strict_router_that_its_route_begins_with_rfc3261_16_6_step_7) {
  load_route("loose_route(); t_relay();");
  auto p = request("BYE");
  p.to += ";tag=bob-1";
  p.uri = "sip:carol@192.0.2.9";
  p.more = "Route: <sip:192.0.2.100;lr>, <sip:192.0.2.7>\r\n";
  receive(p);
  const auto bye = take("BYE");
  EXPECT_EQ(bye.to.address.to_string(), "192.0.2.7:5060");
  EXPECT_EQ(parsed(bye.text).request_uri(), "sip:192.0.2.7");
  EXPECT_EQ(parsed(bye.text).first(id::route), "<sip:carol@192.0.2.9>");
}

} // namespace
} // namespace tandem::modules::for_test

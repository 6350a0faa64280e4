// SPDX-License-Identifier: Apache-2.0
// Defects that other SIP stacks had without anybody noticing, found by reading them: a test each,
// numbered. More of each kind is tested beside the code that it concerns.
#include <tandem/stack/proxy_for_test.hpp>
#include <tandem/stack/transactions_for_test.hpp>

#include <tandem/sip/build.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/validate.hpp>
#include <tandem/stack/branch.hpp>
#include <tandem/stack/next_hop.hpp>
#include <tandem/stack/route_rules.hpp>
#include <tandem/stack/via_rules.hpp>

#include <set>

namespace tandem::stack {
namespace {

using namespace for_test;
using kind = transaction_kind;
using state = transaction_state;
using id = sip::header_id;

// --- of a stack of processes

TEST(silent_defects, d01_a_loose_route_is_followed_and_crashes_nothing) {
  request_parts p;
  p.more = "Route: <sip:192.0.2.7:5070;lr>, <sip:192.0.2.8;lr>\r\n";
  auto m = make_request(p);
  EXPECT_EQ(next_hop_uri(m), "sip:192.0.2.7:5070;lr");
  EXPECT_EQ(next_hop_of(uri_of(next_hop_uri(m)))->port, 5070);
  EXPECT_EQ(apply_strict_route(m), strict_route::none);
  EXPECT_EQ(m.request_uri(), p.uri);
}

TEST(silent_defects, d02_transports_that_are_not_there_and_maddrs_that_are_names_are_no_crash) {
  EXPECT_EQ(next_hop_of(uri_of("sip:b@192.0.2.2;transport=tls"))->transport, transport_kind::tls);
  EXPECT_EQ(next_hop_of(uri_of("sip:b@192.0.2.2;transport=ws"))->transport, transport_kind::ws);
  EXPECT_EQ(next_hop_of(uri_of("sip:b@192.0.2.2;transport=x")).error(), hop_errc::bad_transport);
  const sip::uri by_name = uri_of("sip:b@192.0.2.2;maddr=edge.example");
  EXPECT_EQ(next_hop_of(by_name)->host.text, "edge.example");
  EXPECT_FALSE(next_hop_of(by_name)->ip) << "a name is looked up, never taken for an address";
  EXPECT_EQ(next_hop_of(uri_of("sip:b@192.0.2.2;maddr=%00")).error(), hop_errc::bad_maddr);
}

TEST(silent_defects, d03_a_request_without_the_magic_cookie_has_a_transaction_all_the_same) {
  for (const char* via : {"SIP/2.0/UDP 192.0.2.1", "SIP/2.0/UDP 192.0.2.1;branch=1",
                          "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"}) {
    transaction_fixture t;
    t.parts.via = via;
    t.start(kind::server_non_invite, transport_kind::udp);
    EXPECT_TRUE(t.respond(200)) << via;
    t.out.sent.clear();
    t.receive_request();
    EXPECT_EQ(t.out.take().kind(), "200") << via << ": a copy gets the answer again";
    EXPECT_TRUE(t.heard().empty()) << via;
  }
}

TEST(silent_defects, d04_uri_headers_and_parameters_survive_a_strict_router) {
  const sip::uri uri = uri_of("sip:b@h;a=1;b;c=3?X=1&Y=2&Z=3");
  std::string names;
  for (const auto& header : uri.headers()) names += std::string{header.name} + " ";
  EXPECT_EQ(names, "X Y Z ");
  request_parts p;
  p.uri = "sip:b@h;a=1;b;c=3?X=1&Y=2";
  p.more = "Route: <sip:192.0.2.7>\r\n";
  auto m = make_request(p);
  EXPECT_EQ(apply_strict_route(m), strict_route::applied);
  EXPECT_EQ(m.back(id::route), "<sip:b@h;a=1;b;c=3?X=1&Y=2>") << "a Route value, not a bare URI";
}

TEST(silent_defects, d05_ringing_does_not_time_out_by_timer_b) {
  transaction_fixture t;
  t.start(kind::client_invite, transport_kind::udp);
  t.receive_response(180);
  t.heard().clear();
  t.out.advance(t.layer.timers().timer_b + seconds{1});
  EXPECT_EQ(t.state(), state::proceeding);
  EXPECT_TRUE(t.heard().empty());
}

TEST(silent_defects, d06_responses_have_a_to_tag_and_the_timestamp_and_a_2xx_its_copies_and_ack) {
  request_parts p;
  p.more = "Timestamp: 54.2\r\n";
  const sip::message request = make_request(p);
  for (const int status : {100, 101, 180, 183, 199, 200, 486}) {
    const auto response = sip::make_response(request, status, {}, "ours");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->to_tag(), status == 100 ? "" : "ours") << status;
    EXPECT_EQ(response->first(id::timestamp), "54.2") << status;
  }
  // A 2xx is sent as often as its user sends it, and its ACK reaches the core.
  transaction_fixture t;
  t.start(kind::server_invite, transport_kind::udp);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(t.respond(200));
  EXPECT_EQ(t.out.sent.size(), 3U);
  t.receive_request("ACK");
  EXPECT_EQ(t.heard(), std::deque<std::string>{"ACK"});
}

TEST(silent_defects, d07_a_cancel_is_answered_200_and_never_501) {
  proxy_fixture t;
  t.receive({});
  t.take("100");
  const auto invite = t.take("INVITE");
  t.answer(invite, 180);
  t.take("180");
  request_parts cancel;
  cancel.method = "CANCEL";
  t.receive(cancel);
  EXPECT_NE(t.sent().find("200"), std::string::npos);
}

TEST(silent_defects, d08_copies_that_come_at_once_make_one_transaction) {
  transaction_fixture t;
  t.start(kind::server_invite, transport_kind::udp);
  for (int i = 0; i < 5; ++i) t.receive_request();
  EXPECT_TRUE(t.heard().empty()) << "each copy finds it, also before the first response";
  EXPECT_EQ(t.layer.size(), 1U);
  EXPECT_FALSE(t.layer.create_server(make_request(t.parts), t.from_peer(), t, {}));
}

TEST(silent_defects, d09_branches_and_tags_are_large_and_keyed) {
  const hash_key a = hash_key::random();
  const hash_key b = hash_key::random();
  const sip::message request = make_request({});
  std::set<std::string> seen;
  for (std::uint64_t unique = 0; unique < 1'000; ++unique)
    seen.insert(std::string{make_branch(routing_hash(request, a), unique, 0, 0).view()});
  EXPECT_EQ(seen.size(), 1'000U);
  EXPECT_GE(seen.begin()->size(), 7U + 12U + 12U) << "60 bits of the request, 60 of chance";
  EXPECT_NE(routing_hash(request, a).all, routing_hash(request, b).all)
      << "of this node and no other";
  EXPECT_NE(local_tag_of(request, a).view(), local_tag_of(request, b).view());
  EXPECT_EQ(local_tag_of(request, a).view().size(), 12U);
}

TEST(silent_defects, d10_names_of_unknown_headers_keep_their_case) {
  proxy_fixture t;
  request_parts p;
  p.more = "X-CusTom: kept As-Is\r\nx-lower: 1\r\nX-UPPER: 2\r\n";
  t.receive(p);
  t.take("100");
  EXPECT_NE(t.take("INVITE").text.find("\r\n" + p.more), std::string::npos);
}

// --- of a stack with a parser of its own

TEST(silent_defects, p04_the_route_says_where_a_request_goes_not_the_request_uri) {
  request_parts p;
  p.more = "Route: <sip:192.0.2.7;lr>\r\n";
  EXPECT_EQ(next_hop_uri(make_request(p)), "sip:192.0.2.7;lr");
  EXPECT_EQ(next_hop_uri(make_request({})), request_parts{}.uri);
}

TEST(silent_defects, p05_received_and_rport_go_into_the_top_via_and_rport_only_when_asked_for) {
  const auto stamped = [](std::string_view via) {
    request_parts p;
    p.via = std::string{via} + ", SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKbelow";
    auto m = make_request(p);
    stamp_top_via(m, *socket_address::parse("192.0.2.1:1024"));
    EXPECT_EQ(m.back(id::via), "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKbelow");
    return m.get<sip::hdr::via>().value();
  };
  const sip::via plain = stamped("SIP/2.0/UDP h;branch=z9hG4bK1");
  EXPECT_EQ(plain.received()->text, "192.0.2.1");
  EXPECT_FALSE(plain.has_rport());
  EXPECT_EQ(stamped("SIP/2.0/UDP h;rport;branch=z9hG4bK1").rport(), 1024);
  EXPECT_EQ(stamped("SIP/2.0/UDP h;rport=\"\";branch=z9hG4bK1").received()->text, "192.0.2.1");
}

TEST(silent_defects, p06_order_is_kept_and_content_length_counts_bytes) {
  request_parts p;
  p.more = "Subject: one\r\nX-B: 2\r\nSubject: three\r\nX-A: 4\r\n";
  auto m = make_request(p);
  ASSERT_TRUE(m.edit().set_body("text/plain", "\xc3\xa4\xe2\x82\xac"));
  EXPECT_EQ(m.first(id::content_length), "5");
  EXPECT_NE(m.to_string().find(p.more), std::string::npos);
}

TEST(silent_defects, p07_timer_a_is_500_ms_and_a_2xx_leaves_the_transaction_in_accepted) {
  transaction_fixture t;
  t.start(kind::client_invite, transport_kind::udp);
  t.out.sent.clear();
  t.out.advance(milliseconds{499});
  EXPECT_TRUE(t.out.sent.empty());
  t.out.advance(milliseconds{1});
  EXPECT_EQ(t.out.sent.size(), 1U);
  t.receive_response(200);
  EXPECT_EQ(t.state(), state::accepted);
  // A stray failure afterwards ends nothing.
  t.receive_response(486);
  EXPECT_EQ(t.state(), state::accepted);
  EXPECT_EQ(t.heard(), std::deque<std::string>{"200"});
}

TEST(silent_defects, p10_what_is_wrong_with_a_request_names_the_answer_that_is_owed) {
  const auto owed = [](std::string_view from, std::string_view to) {
    std::string text = request_text({});
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto rejected = sip::validate(parsed(text), sip::role::user_agent);
    return rejected ? rejected->status : 0;
  };
  EXPECT_EQ(owed("CSeq: 1 INVITE", "CSeq: 1 BYE"), 400);
  EXPECT_EQ(owed(" SIP/2.0\r\n", " SIP/7.0\r\n"), 505);
  EXPECT_EQ(owed("Max-Forwards: 70", "Require: x"), 420);
  EXPECT_EQ(owed("Max-Forwards: 70", "Max-Forwards: 0"), 0) << "it is for us";
  EXPECT_EQ(owed("branch=z9hG4bKaaa1", "branch=aaa1"), 0) << "RFC 2543 is no fault";
}

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// Matching (RFC 3261 17.1.3, 17.2.3), absorption, CANCEL, bounds.
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/transactions_for_test.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;
using kind = transaction_kind;
using state = transaction_state;

request_parts rfc2543_invite() {
  request_parts p;
  p.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=1";
  return p;
}

void receive(transaction_fixture& t, const request_parts& p) {
  auto m = make_request(p);
  t.layer.receive_request(m, t.from_peer());
}

server_handle make_server(transaction_fixture& t, const request_parts& p) {
  const auto made = t.layer.create_server(make_request(p), t.from_peer(), t, {});
  EXPECT_TRUE(made);
  return made.value_or(server_handle{});
}

TEST(transaction_layer, gives_a_new_request_to_the_core) {
  transaction_fixture t;
  receive(t, {});
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"INVITE"}));
  EXPECT_EQ(t.layer.size(), 0U) << "no transaction without the core's wish";
}

TEST(transaction_layer, tells_requests_apart_by_branch_sent_by_and_method) {
  transaction_fixture t;
  make_server(t, {});
  for (const auto* via :
       {"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKaaa2", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKaaa1",
        "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKaaa1"}) {
    request_parts p;
    p.via = via;
    receive(t, p);
  }
  request_parts other;
  other.method = "MESSAGE";
  receive(t, other);
  EXPECT_EQ(t.heard().size(), 4U);
  receive(t, {});
  EXPECT_EQ(t.heard().size(), 4U) << "the copy is absorbed";
}

TEST(transaction_layer, tells_extension_methods_apart) {
  transaction_fixture t;
  request_parts p;
  p.method = "FOO";
  make_server(t, p);
  receive(t, p);
  EXPECT_TRUE(t.heard().empty());
  p.method = "BAR";
  receive(t, p);
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"BAR"}));
}

// A silent defect of other stacks: a request without the magic cookie crashed the lookup.
TEST(transaction_layer, matches_rfc_2543_requests_by_their_parts) {
  transaction_fixture t;
  const server_handle h = make_server(t, rfc2543_invite());
  t.server = h;
  receive(t, rfc2543_invite());
  EXPECT_TRUE(t.heard().empty()) << "a copy";

  for (const auto part : {&request_parts::from, &request_parts::call_id, &request_parts::uri}) {
    request_parts p = rfc2543_invite();
    p.*part = part == &request_parts::uri ? "sip:carol@192.0.2.2" : "<sip:x@y>;tag=other";
    receive(t, p);
  }
  request_parts next = rfc2543_invite();
  next.cseq = 2;
  receive(t, next);
  request_parts via = rfc2543_invite();
  via.via = "SIP/2.0/UDP 192.0.2.1:5060;branch=2";
  receive(t, via);
  EXPECT_EQ(t.heard().size(), 5U) << "each of these is another request";
}

TEST(transaction_layer, an_rfc_2543_ack_and_cancel_find_their_invite) {
  transaction_fixture t;
  t.server = make_server(t, rfc2543_invite());
  request_parts cancel = rfc2543_invite();
  cancel.method = "CANCEL";
  receive(t, cancel);
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"cancelled"}));
  EXPECT_TRUE(t.respond(487));
  request_parts ack = rfc2543_invite();
  ack.method = "ACK";
  ack.to += ";tag=bob-1";
  receive(t, ack);
  EXPECT_EQ(t.layer.find(t.server)->state(), state::confirmed);
  EXPECT_EQ(t.heard().size(), 1U);
}

TEST(transaction_layer, an_ack_for_a_2xx_and_a_late_cancel_are_the_cores) {
  transaction_fixture t;
  request_parts ack;
  ack.method = "ACK";
  ack.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother";
  receive(t, ack);
  request_parts cancel;
  cancel.method = "CANCEL";
  receive(t, cancel);
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"ACK", "CANCEL"}));
}

TEST(transaction_layer, asks_a_chain_of_users_the_last_one_put_in_front_first_and_the_core_last) {
  struct picky final : request_user {
    bool takes(const sip::message& m) override {
      return m.is_request() ? m.method_text() == method : m.status() == 200;
    }
    void on_request(sip::message& m, const arrival&) override { heard += m.method_text(); }
    void on_cancel(server_handle, sip::message&, const arrival&) override { heard += "cancelled"; }
    void on_stray_response(sip::message&, const arrival&) override { heard += "stray"; }
    bool on_unreachable(server_handle, std::string_view, const target&) override { return false; }
    std::string method;
    std::string heard;
  };
  transaction_fixture t;
  picky dialogs;
  picky agent;
  dialogs.method = agent.method = "INFO";
  t.layer.put_in_front(dialogs);
  t.layer.put_in_front(agent);
  request_parts p;
  for (const char* const method : {"INFO", "MESSAGE"}) {
    p.method = method;
    p.via = std::string{"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"} + method;
    receive(t, p);
    t.out.end_turn();
  }
  EXPECT_EQ(agent.heard, "INFO");
  agent.method = "UPDATE";
  p.method = "INFO";
  p.via += "2";
  receive(t, p);
  t.out.end_turn();
  EXPECT_EQ(dialogs.heard, "INFO");
  auto stray = parsed(answer_text(request_text(p), 200));
  t.layer.receive_response(stray, t.from_peer());
  t.out.end_turn();
  EXPECT_EQ(agent.heard, "INFOstray");
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"MESSAGE"})) << "what nobody in front takes";
}

// Silent defects of other stacks: a repeated or stray CANCEL was answered 481, or ended the call.
TEST(transaction_layer, a_copy_of_a_cancel_is_answered_as_the_first) {
  transaction_fixture t;
  make_server(t, {});
  request_parts cancel;
  cancel.method = "CANCEL";
  receive(t, cancel);
  const server_handle of_cancel = make_server(t, cancel);
  EXPECT_TRUE(t.layer.respond(of_cancel, 200,
                              wire_message::copy_of(answer_text(request_text(cancel), 200))));
  receive(t, cancel);
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"cancelled"}));
  EXPECT_EQ(t.out.sent.size(), 2U);
}

TEST(transaction_layer, a_response_finds_its_client_by_branch_and_method) {
  transaction_fixture t;
  t.start(kind::client_invite, transport_kind::udp);
  t.receive_response(180);
  auto stray = parsed(answer_text(request_text([] {
                                    request_parts p;
                                    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKaaa9";
                                    return p;
                                  }()),
                                  200));
  t.layer.receive_response(stray, t.from_peer());
  request_parts cancel;
  cancel.method = "CANCEL";
  auto to_cancel = parsed(answer_text(request_text(cancel), 200));
  t.layer.receive_response(to_cancel, t.from_peer());
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"180", "stray 200", "stray 200"}));
}

TEST(transaction_layer, a_second_client_of_the_same_branch_is_refused) {
  transaction_fixture t;
  t.start(kind::client_invite, transport_kind::udp);
  const auto again = t.layer.create_client("INVITE", "z9hG4bKaaa1", wire_message::copy_of("x"),
                                           target_at("192.0.2.2"), t, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), transaction_errc::exists);
}

TEST(transaction_layer, refuses_new_transactions_at_the_bound_but_still_cancels) {
  transaction_fixture t{{.transactions = 1, .waiting_per_call = 8, .suspended = 8}};
  t.start(kind::client_invite, transport_kind::udp);
  EXPECT_EQ(t.layer.create_server(make_request({}), t.from_peer(), t, {}).error(),
            transaction_errc::full);
  t.receive_response(180);
  t.out.sent.clear();
  t.layer.cancel(t.client);
  EXPECT_EQ(t.out.take().kind(), "CANCEL");
}

TEST(transaction_layer, an_icmp_error_finds_the_client_by_the_quoted_bytes) {
  transaction_fixture t;
  t.start(kind::client_invite, transport_kind::udp);
  const std::string sent = t.out.take().text;
  t.layer.on_datagram_refused("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKzzz\r\n");
  t.layer.on_datagram_refused(std::string_view{sent}.substr(0, sent.find("aaa1") + 2));
  t.layer.on_datagram_refused("\0\xff garbage");
  EXPECT_TRUE(t.heard().empty());
  t.layer.on_datagram_refused(std::string_view{sent}.substr(0, 120));
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"transport_error"}));
}

// RFC 3261 18.2.2, RFC 3263 5
TEST(transaction_layer, a_response_that_reaches_nobody_goes_where_the_name_of_the_sender_leads) {
  transaction_fixture t;
  t.parts.via = "SIP/2.0/UDP sip.example.com;received=192.0.2.1;branch=z9hG4bKaaa1";
  t.start(kind::server_invite, transport_kind::udp);
  t.other_ways = {target_at("192.0.2.8"), target_at("192.0.2.9")};
  EXPECT_TRUE(t.respond(486));
  const auto first = t.out.take();
  t.fail_to_send();
  const auto second = t.out.take();
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(second.to.address, target_at("192.0.2.8").address);
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"unreachable " + t.parts.via}));
  t.fail_to_send();
  EXPECT_EQ(t.out.take().to.address, target_at("192.0.2.9").address);
  EXPECT_EQ(t.heard().size(), 1U);
  t.fail_to_send();
  EXPECT_EQ(t.heard().back(), "transport_error");
  EXPECT_EQ(t.heard().size(), 2U);
  // A copy of the request asks nobody again.
  t.receive_request();
  t.fail_to_send();
  EXPECT_EQ(t.heard().size(), 3U);
}

TEST(transaction_layer, over_a_stream_the_name_comes_after_connection_and_received_address) {
  transaction_fixture t;
  t.start(kind::server_non_invite, transport_kind::tcp);
  t.other_ways = {target_at("192.0.2.8", transport_kind::tcp)};
  EXPECT_TRUE(t.respond(100));
  const target connection = t.out.take().to;
  EXPECT_TRUE(connection.flow);
  t.fail_to_send();
  const target received = t.out.take().to;
  EXPECT_FALSE(received.flow);
  EXPECT_EQ(received.address, connection.address);
  t.fail_to_send();
  EXPECT_EQ(t.out.take().to.address, t.other_ways[0].address);
}

TEST(transaction_layer, a_2xx_whose_way_was_lost_takes_another_one_with_its_next_copy) {
  transaction_fixture t;
  t.start(kind::server_invite, transport_kind::udp);
  t.other_ways = {target_at("192.0.2.8")};
  EXPECT_TRUE(t.respond(200));
  t.out.sent.clear();
  t.fail_to_send(); // the layer keeps no 2xx: its user repeats it
  EXPECT_TRUE(t.out.sent.empty());
  EXPECT_TRUE(t.respond(200));
  EXPECT_EQ(t.out.take().to.address, t.other_ways[0].address);
  EXPECT_TRUE(t.out.sent.empty());
}

TEST(transaction_layer, an_icmp_error_finds_the_server_by_the_quoted_response) {
  transaction_fixture t;
  t.start(kind::server_invite, transport_kind::udp);
  EXPECT_TRUE(t.respond(486));
  const std::string sent = t.out.take().text;
  const std::size_t end = sent.find("CSeq: ");
  ASSERT_NE(end, std::string::npos);
  std::string other = sent;
  other.replace(other.find("aaa1"), 4, "bbb2");
  t.layer.on_datagram_refused(other);
  t.layer.on_datagram_refused(std::string_view{sent}.substr(0, end + 8));
  t.layer.on_datagram_refused("SIP/2.0 200 OK\r\n");
  EXPECT_TRUE(t.heard().empty());
  // The kernel quotes some hundred bytes.
  t.layer.on_datagram_refused(std::string_view{sent}.substr(0, sent.find("\r\n", end) + 4));
  EXPECT_EQ(t.heard(), (std::deque<std::string>{"transport_error"}));
}

// RFC 3261 17.1.1.3
TEST(transaction_layer,
     the_ack_for_a_failure_has_the_parts_of_the_invite_and_the_to_of_the_failure) {
  transaction_fixture t;
  t.parts.more = "Route: <sip:192.0.2.7;lr>\r\n";
  t.start(kind::client_invite, transport_kind::udp);
  t.out.sent.clear();
  t.receive_response(486);
  const auto sent = t.out.take();
  const sip::message ack = parsed(sent.text);
  EXPECT_EQ(ack.method(), sip::method::ack);
  EXPECT_EQ(ack.request_uri(), "sip:bob@192.0.2.2");
  EXPECT_EQ(ack.key()->branch, "z9hG4bKaaa1");
  EXPECT_EQ(count_values(ack, sip::header_id::via), 1U);
  EXPECT_EQ(ack.key()->to_tag, "bob-1");
  EXPECT_EQ(ack.key()->from_tag, "alice-1");
  EXPECT_EQ(ack.key()->cseq, 1U);
  EXPECT_EQ(ack.key()->cseq_method, sip::method::ack);
  EXPECT_EQ(ack.first(sip::header_id::route), "<sip:192.0.2.7;lr>");
  EXPECT_EQ(sent.to.address, target_at("192.0.2.2").address);
}

// RFC 3261 9.1
TEST(transaction_layer, the_cancel_has_the_branch_of_the_invite_and_carries_the_reason) {
  transaction_fixture t;
  t.start(kind::client_invite, transport_kind::udp);
  t.receive_response(180);
  t.out.sent.clear();
  t.layer.cancel(t.client, std::array<std::string_view, 1>{"SIP;cause=200"});
  const sip::message cancel = parsed(t.out.take().text);
  EXPECT_EQ(cancel.key()->branch, "z9hG4bKaaa1");
  EXPECT_EQ(cancel.key()->cseq_method, sip::method::cancel);
  EXPECT_EQ(cancel.key()->to_tag, "");
  EXPECT_EQ(cancel.first(sip::header_id::reason), "SIP;cause=200");
}

TEST(transaction_layer, the_local_tag_belongs_to_call_id_from_tag_and_cseq_rfc3261_8_2_7_and_9_2) {
  transaction_fixture t;
  const auto tag = [&](void (*change)(request_parts&) = [](request_parts&) {}) {
    request_parts p;
    change(p);
    return std::string{t.layer.tag_for(make_request(p)).view()};
  };
  EXPECT_EQ(tag(), tag([](request_parts& p) { p.method = "CANCEL"; }));
  EXPECT_EQ(tag(), tag([](request_parts& p) {
              p.method = "ACK"; // for a refusal, with the branch of its INVITE or not (17.1.1.3)
              p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKother";
              p.to += ";tag=any";
            }));
  EXPECT_NE(tag(), tag([](request_parts& p) { p.call_id += "x"; }));
  EXPECT_NE(tag(), tag([](request_parts& p) { p.from += "x"; }));
  EXPECT_NE(tag(), tag([](request_parts& p) { ++p.cseq; }));
  EXPECT_NE(tag(), std::string{transaction_fixture{}.layer.tag_for(make_request({})).view()})
      << "not to be guessed by who does not know the secret";
}

} // namespace
} // namespace tandem::stack

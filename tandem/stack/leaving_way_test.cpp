// SPDX-License-Identifier: Apache-2.0
// What a request says of the way that it takes, for each address that is tried, and what its
// response finds the way back by.
#include <tandem/sip/headers.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/proxy_for_test.hpp>
#include <tandem/stack/stateless_return.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;

/// The transports that the entries of Record-Route name, from the top.
std::string recorded_in(const sip::message& m) {
  std::string all;
  for_each_value(m, sip::header_id::record_route, [&](std::string_view value) {
    const bool is_tcp = value.find(";transport=tcp") != std::string_view::npos;
    const bool is_of_pair = value.find(";r2=on") != std::string_view::npos;
    all += std::string{all.empty() ? "" : " "} + (is_tcp ? "tcp" : "udp") + (is_of_pair ? "+" : "");
  });
  return all;
}
std::string recorded_in(const sent_message& m) { return recorded_in(parsed(m.text)); }

/// A proxy that records what came to it by UDP.
struct recording : proxy_fixture {
  recording() {
    named = named_by::us;
    recorded = recorded_entry{{}, target_at("192.0.2.1")};
    edit = [](sip::message& m) {
      EXPECT_TRUE(push_record_route(
          m, {}, {.user = {}, .sent_by = "192.0.2.100", .transport = transport_kind::udp}));
    };
  }
};

// RFC 3261 16.6 step 4, 18.1.1; RFC 5658
TEST(leaving_way, is_recorded_as_tcp_when_the_request_goes_there_for_its_size) {
  recording t;
  const auto by_tcp = t.send_large_invite();
  EXPECT_EQ(recorded_in(by_tcp), "tcp+ udp+");
  EXPECT_EQ(recorded_in(t.core.request_of(t.context)), "udp") << "another branch goes another way";
  EXPECT_EQ(recorded_in(t.refuse_tcp(by_tcp)), "udp");
}

TEST(leaving_way, goes_to_tcp_where_the_second_entry_alone_makes_the_request_too_large) {
  recording t;
  t.recorded->came_by.transport = transport_kind::tcp; // so that UDP would be another side
  t.ways[0].targets[0].choice = transport_choice::open;
  const std::size_t head = request_text({}).size();
  request_parts p;
  // With our Via and one entry it fits, with two it does not.
  p.body = std::string(t.out.datagram_limit - head - 260, 'x');
  t.receive(p);
  t.take("100");
  const auto sent = t.take("INVITE");
  EXPECT_EQ(sent.to.transport, transport_kind::tcp) << sent.text.size();
  EXPECT_EQ(recorded_in(sent), "udp") << "it came by TCP: there is one side only";
}

// RFC 3263 4.3
TEST(leaving_way, is_recorded_anew_for_each_address_that_is_tried) {
  recording t;
  t.ways[0].targets = {target_at("192.0.2.2"), target_at("192.0.2.3", transport_kind::tcp),
                       target_at("192.0.2.4"), target_at("192.0.2.5", transport_kind::tcp)};
  t.receive({});
  t.take("100");
  for (const char* entries : {"udp", "tcp+ udp+", "udp", "tcp+ udp+"}) {
    const auto sent = t.take("INVITE");
    EXPECT_EQ(recorded_in(sent), entries) << sent.text;
    EXPECT_EQ(parsed(sent.text).first(sip::header_id::max_forwards), "69");
    t.answer(sent, 503);
    t.take("ACK");
  }
}

// RFC 3261 16.11, 18.2.2
TEST(leaving_way, a_response_without_a_transaction_leaves_by_the_flow_that_its_request_came_by) {
  struct row {
    const char* via;
    transport_kind transport;
    flow_handle flow;
  };
  for (const row& r :
       {row{"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa", transport_kind::udp, {3, 0xffffffff, 1}},
        row{"SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa", transport_kind::tcp, {9, 4, 1}}}) {
    proxy_fixture t;
    request_parts p;
    p.via = r.via;
    const sip::message m = make_request(p);
    const std::vector<target> to{target_at("192.0.2.2")};
    const arrival from = arrived_from("192.0.2.1:5060", r.transport, r.flow);
    ASSERT_TRUE(t.core.forward_stateless(m, from, {"sip:bob@192.0.2.2", to},
                                         routing_hash(m, t.layer.secret())));
    const auto sent = t.take("INVITE");
    sip::message answer = parsed(answer_text(sent.text, 200));
    ASSERT_TRUE(t.core.forward_stray(answer));
    auto back = t.take("200");
    EXPECT_TRUE(back.to.flow == r.flow) << sent.text;
    EXPECT_EQ(back.to.transport, r.transport);
    EXPECT_EQ(back.to.may_reconnect, is_reliable(r.transport));
    EXPECT_EQ(back.text.find(return_parameter), std::string::npos);

    // What somebody has changed is not followed.
    std::string forged = answer_text(sent.text, 200);
    char& digit = forged[forged.find(return_parameter) + return_parameter.size() + 14];
    digit = digit == '1' ? '2' : '1';
    sip::message other = parsed(forged);
    ASSERT_TRUE(t.core.forward_stray(other));
    EXPECT_FALSE(t.take("200").to.flow);
  }
}

TEST(leaving_way, an_ack_which_nobody_answers_says_no_way_back) {
  proxy_fixture t;
  request_parts p;
  p.method = "ACK";
  t.receive(p);
  EXPECT_EQ(t.take("ACK").text.find(return_parameter), std::string::npos);
}

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// received and rport (RFC 3261 18.2.1, RFC 3581 4), and the way of responses (18.2.2).
#include <tandem/sip/via.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/via_rules.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;

struct stamp_case {
  const char* via;
  const char* source;
  const char* expected;
};

class via_stamps : public ::testing::TestWithParam<stamp_case> {};

// A silent defect of other stacks: received and rport went to the last Via, and rport unasked.
TEST_P(via_stamps, complete_the_top_via_only) {
  const auto& [via, source, expected] = GetParam();
  request_parts p;
  p.via = via;
  p.more = "Via: SIP/2.0/UDP 198.51.100.9;rport;branch=z9hG4bKbelow\r\n";
  sip::message m = make_request(p);
  stamp_top_via(m, *socket_address::parse(source));
  EXPECT_EQ(m.top_via(), expected);
  EXPECT_EQ(m.back(sip::header_id::via), "SIP/2.0/UDP 198.51.100.9;rport;branch=z9hG4bKbelow");
}

INSTANTIATE_TEST_SUITE_P(
    table, via_stamps,
    ::testing::Values(
        stamp_case{"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa", "192.0.2.1:5060",
                   "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa"},
        stamp_case{"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa", "192.0.2.7:1024",
                   "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa;received=192.0.2.7"},
        stamp_case{"SIP/2.0/UDP host.example;branch=z9hG4bKa", "192.0.2.7:1024",
                   "SIP/2.0/UDP host.example;branch=z9hG4bKa;received=192.0.2.7"},
        stamp_case{"SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKa", "192.0.2.1:1024",
                   "SIP/2.0/UDP 192.0.2.1;rport=1024;branch=z9hG4bKa;received=192.0.2.1"},
        stamp_case{"SIP/2.0/UDP [2001:db8::1];branch=z9hG4bKa", "[2001:db8:0::1]:5060",
                   "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bKa"}));

TEST(via_stamps, a_received_that_the_peer_wrote_does_not_survive) {
  request_parts p;
  p.via = "SIP/2.0/UDP 192.0.2.1;received=203.0.113.66;branch=z9hG4bKa";
  sip::message m = make_request(p);
  stamp_top_via(m, *socket_address::parse("192.0.2.1:5060"));
  const auto via = sip::via::parse(m.top_via());
  ASSERT_TRUE(via && via->received());
  EXPECT_EQ(via->received()->text, "192.0.2.1");
}

// A silent defect of other stacks: `rport=""` crashed the sender of the response.
TEST(via_stamps, a_malformed_rport_harms_nobody) {
  for (const char* rport : {"rport=\"\"", "rport=x", "rport=99999", "rport="}) {
    request_parts p;
    p.via = std::string{"SIP/2.0/UDP 192.0.2.1;"} + rport + ";branch=z9hG4bKa";
    auto m = sip::message::parse(request_text(p));
    if (!m) continue;
    stamp_top_via(*m, *socket_address::parse("192.0.2.1:1024"));
    if (const auto via = sip::via::parse(m->top_via())) {
      EXPECT_EQ(response_target(*via, arrived_from("192.0.2.1:1024")).address.port, 1024) << rport;
    }
  }
}

struct target_case {
  const char* via;
  const char* source;
  const char* expected;
};

class response_targets : public ::testing::TestWithParam<target_case> {};

TEST_P(response_targets, follow_18_2_2) {
  const auto& [text, source, expected] = GetParam();
  const auto via = sip::via::parse(text);
  ASSERT_TRUE(via);
  const target to = response_target(*via, arrived_from(source));
  EXPECT_EQ(to.address.to_string(), expected);
}

INSTANTIATE_TEST_SUITE_P(
    table, response_targets,
    ::testing::Values(
        target_case{"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa", "192.0.2.1:1024", "192.0.2.1:5060"},
        target_case{"SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa", "192.0.2.7:1024",
                    "192.0.2.7:5070"},
        target_case{"SIP/2.0/UDP 192.0.2.1;rport=1024;received=192.0.2.7;branch=z9hG4bKa",
                    "192.0.2.7:1024", "192.0.2.7:1024"},
        target_case{"SIP/2.0/UDP 192.0.2.1:5070;maddr=224.0.1.75;ttl=3;branch=z9hG4bKa",
                    "192.0.2.1:1024", "224.0.1.75:5070"},
        target_case{"SIP/2.0/UDP 192.0.2.1;maddr=not_an_address;branch=z9hG4bKa", "192.0.2.1:1024",
                    "192.0.2.1:5060"},
        target_case{"SIP/2.0/UDP 192.0.2.1:5070;maddr=192.0.2.1;rport;branch=z9hG4bKa",
                    "192.0.2.1:1024", "192.0.2.1:5070"}));

// Who may name any address there may aim all our answers at it.
INSTANTIATE_TEST_SUITE_P(
    maddr_of_somebody_else, response_targets,
    ::testing::Values(target_case{"SIP/2.0/UDP 192.0.2.1:5070;maddr=203.0.113.66;branch=z9hG4bKa",
                                  "192.0.2.1:1024", "192.0.2.1:5070"},
                      target_case{"SIP/2.0/UDP 192.0.2.1;maddr=203.0.113.66;rport;branch=z9hG4bKa",
                                  "192.0.2.1:1024", "192.0.2.1:1024"},
                      target_case{"SIP/2.0/TCP 192.0.2.1:5070;maddr=203.0.113.66;branch=z9hG4bKa",
                                  "192.0.2.1:1024", "192.0.2.1:5070"},
                      target_case{"SIP/2.0/UDP [2001:db8::1];maddr=[2001:db8::66];branch=z9hG4bKa",
                                  "[2001:db8::1]:1024", "[2001:db8::1]:5060"}));

TEST(response_target, of_a_datagram_is_a_datagram_whatever_its_via_says) {
  const auto via = sip::via::parse("SIP/2.0/TCP 192.0.2.1;maddr=203.0.113.66;branch=z9hG4bKa");
  EXPECT_EQ(response_target(*via, arrived_from("192.0.2.1:1024")).transport, transport_kind::udp);
}

// RFC 4475 3.1.2.1 can be answered: what is broken stands behind all that says where to.
TEST(answer_target, of_a_via_that_cannot_be_read_is_where_the_request_came_from) {
  const auto at = [](std::string_view via) -> std::string {
    request_parts p;
    p.via = via;
    const auto m = sip::message::parse(request_text(p));
    const auto to = m ? answer_target(*m, arrived_from("192.0.2.7:1024")) : std::nullopt;
    return to ? to->address.to_string() : "";
  };
  EXPECT_EQ(at("SIP/2.0/UDP 192.0.2.1:5070;;,;,,"), "192.0.2.7:5070");
  EXPECT_EQ(at("SIP/2.0/UDP a_host_without/end"), "192.0.2.7:1024");
  EXPECT_EQ(at("SIP/2.0/UDP 192.0.2.1:5071;branch=z9hG4bKa"), "192.0.2.7:5071");
  EXPECT_EQ(at(""), "");
}

TEST(answer_limit, of_a_datagram_is_ten_times_the_request_or_one_packet) {
  EXPECT_EQ(answer_limit(100, transport_kind::udp), 1'300U);
  EXPECT_EQ(answer_limit(400, transport_kind::udp), 4'000U);
  EXPECT_EQ(answer_limit(100, transport_kind::tcp), 65'535U);
}

TEST(response_target, of_a_stream_is_its_connection_with_the_received_address_behind) {
  const auto via = sip::via::parse("SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bKa");
  const target to =
      response_target(*via, arrived_from("192.0.2.7:40000", transport_kind::tcp, {3, 9, 1}));
  EXPECT_EQ(to.flow, (flow_handle{3, 9, 1}));
  EXPECT_EQ(to.address.to_string(), "192.0.2.7:5070");
  EXPECT_EQ(to.transport, transport_kind::tcp);
}

TEST(response_target, of_multicast_has_a_ttl) {
  const auto via = sip::via::parse("SIP/2.0/UDP 192.0.2.1;maddr=224.0.1.75;branch=z9hG4bKa");
  EXPECT_EQ(response_target(*via, arrived_from("192.0.2.1:5060")).ttl, 1);
}

TEST(response_target, by_a_via_alone_wants_an_address) {
  const auto at = [](std::string_view text) -> std::string {
    const auto via = sip::via::parse(text);
    const auto to = via ? response_target(*via) : std::nullopt;
    return to ? to->address.to_string() : "";
  };
  EXPECT_EQ(at("SIP/2.0/UDP h.example;received=192.0.2.7;rport=99;branch=z9hG4bKa"),
            "192.0.2.7:99");
  EXPECT_EQ(at("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa"), "192.0.2.1:5070");
  EXPECT_EQ(at("SIP/2.0/UDP h.example;branch=z9hG4bKa"), "");
  EXPECT_EQ(at("SIP/2.0/UDP 192.0.2.1:5070;maddr=203.0.113.66;branch=z9hG4bKa"), "192.0.2.1:5070");
  EXPECT_EQ(at("SIP/2.0/UDP h.example;maddr=203.0.113.66;received=192.0.2.7;branch=z9hG4bKa"),
            "192.0.2.7:5060");
  EXPECT_EQ(at("SIP/2.0/SCTP 192.0.2.1;branch=z9hG4bKa"), "");
}

} // namespace
} // namespace tandem::stack

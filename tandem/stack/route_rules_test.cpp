// SPDX-License-Identifier: Apache-2.0
// RFC 3261 16.4, 16.6 steps 6 and 7, 16.12.
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/next_hop.hpp>
#include <tandem/stack/route_rules.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;

const is_own_uri own = [](const sip::uri& uri) { return uri.host().text == "192.0.2.100"; };

sip::message routed(const std::string& uri, const std::string& routes) {
  request_parts p;
  p.uri = uri;
  p.more = routes;
  return make_request(p);
}

std::string routes_of(const sip::message& m) {
  std::string all;
  for_each_value(m, sip::header_id::route,
                 [&](std::string_view v) { all += (all.empty() ? "" : " ") + std::string{v}; });
  return all;
}

TEST(take_own_route, does_nothing_without_a_route) {
  std::string own_params;
  auto m = routed("sip:bob@192.0.2.2", "");
  const auto step = take_own_route(m, own, own_params);
  EXPECT_FALSE(step.had_route);
  EXPECT_EQ(step.removed, 0U);
}

TEST(take_own_route, takes_the_entry_of_ours_and_leaves_the_rest) {
  std::string own_params;
  auto m =
      routed("sip:bob@192.0.2.2", "Route: <sip:192.0.2.100;lr;ftag=x>, <sip:192.0.2.7;lr>\r\n");
  const auto step = take_own_route(m, own, own_params);
  EXPECT_EQ(step.removed, 1U);
  EXPECT_TRUE(step.has_more);
  EXPECT_EQ(own_params, "lr;ftag=x");
  EXPECT_EQ(routes_of(m), "<sip:192.0.2.7;lr>");
  EXPECT_EQ(next_hop_uri(m), "sip:192.0.2.7;lr");
  EXPECT_EQ(m.request_uri(), "sip:bob@192.0.2.2");
}

TEST(take_own_route, takes_both_entries_of_a_double_record_route) {
  std::string own_params;
  auto m = routed("sip:bob@192.0.2.2", "Route: <sip:192.0.2.100;r2=on;lr>\r\n"
                                       "Route: <sip:192.0.2.100;transport=tcp;r2=on;lr>\r\n");
  const auto step = take_own_route(m, own, own_params);
  EXPECT_EQ(step.removed, 2U);
  EXPECT_FALSE(step.has_more);
}

TEST(take_own_route, leaves_a_second_entry_of_ours_that_is_a_spiral) {
  std::string own_params;
  auto m = routed("sip:bob@192.0.2.2", "Route: <sip:192.0.2.100;lr>, <sip:192.0.2.100;lr;x>\r\n");
  EXPECT_EQ(take_own_route(m, own, own_params).removed, 1U);
}

TEST(take_own_route, leaves_a_foreign_entry) {
  std::string own_params;
  auto m = routed("sip:bob@192.0.2.2", "Route: <sip:192.0.2.7;lr>\r\n");
  EXPECT_EQ(take_own_route(m, own, own_params).removed, 0U);
}

TEST(take_own_route, undoes_a_strict_router_before_us) {
  std::string own_params;
  auto m = routed("sip:192.0.2.100;lr;ftag=y",
                  "Route: <sip:192.0.2.7;lr>, <sip:bob@192.0.2.2;user=phone>\r\n");
  const auto step = take_own_route(m, own, own_params);
  EXPECT_TRUE(step.was_strict);
  EXPECT_EQ(own_params, "lr;ftag=y");
  EXPECT_EQ(m.request_uri(), "sip:bob@192.0.2.2;user=phone");
  EXPECT_EQ(routes_of(m), "<sip:192.0.2.7;lr>");
}

// A silent defect of other stacks: the old Request-URI was appended bare, its parameters lost.
TEST(apply_strict_route, puts_the_request_uri_whole_into_the_last_route) {
  auto m = routed("sip:bob@192.0.2.2;user=phone?Subject=x",
                  "Route: <sip:192.0.2.7;maddr=192.0.2.8>, <sip:192.0.2.9;lr>\r\n");
  EXPECT_EQ(apply_strict_route(m), strict_route::applied);
  EXPECT_EQ(m.request_uri(), "sip:192.0.2.7;maddr=192.0.2.8");
  EXPECT_EQ(routes_of(m), "<sip:192.0.2.9;lr> <sip:bob@192.0.2.2;user=phone?Subject=x>");
}

// A silent defect of other stacks: a request with a loose Route crashed the choice of the next hop.
TEST(apply_strict_route, leaves_a_loose_route_alone) {
  auto m = routed("sip:bob@192.0.2.2", "Route: <sip:192.0.2.7;lr>\r\n");
  EXPECT_EQ(apply_strict_route(m), strict_route::none);
  EXPECT_EQ(next_hop_uri(m), "sip:192.0.2.7;lr");
}

TEST(apply_strict_route, the_strict_router_is_the_next_hop) {
  auto m = routed("sip:bob@192.0.2.2", "Route: <sip:192.0.2.7>\r\n");
  EXPECT_EQ(next_hop_uri(m), "sip:192.0.2.7") << "RFC 3261 16.6 step 7";
  EXPECT_EQ(apply_strict_route(m), strict_route::applied);
  EXPECT_EQ(m.request_uri(), "sip:192.0.2.7");
}

struct hop_case {
  const char* uri;
  const char* expected; ///< "TRANSPORT host:port", or the error
};

class next_hops : public ::testing::TestWithParam<hop_case> {};

// A silent defect of other stacks: transport=tls or ws, and a maddr that is a name, crashed.
TEST_P(next_hops, are_read_from_the_uri) {
  const auto uri = sip::uri::parse(GetParam().uri);
  ASSERT_TRUE(uri);
  const auto hop = next_hop_of(*uri);
  std::string text;
  if (hop) {
    text = std::string{via_token(hop->transport)} + " " + std::string{hop->host.text} + ":" +
           std::to_string(hop->port) + (hop->ip ? "" : " lookup");
  } else {
    text = hop.error() == hop_errc::bad_scheme      ? "bad_scheme"
           : hop.error() == hop_errc::bad_transport ? "bad_transport"
           : hop.error() == hop_errc::bad_port      ? "bad_port"
                                                    : "bad_maddr";
  }
  EXPECT_EQ(text, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    table, next_hops,
    ::testing::Values(hop_case{"sip:bob@192.0.2.2", "UDP 192.0.2.2:5060"},
                      hop_case{"sip:bob@192.0.2.2:5070;transport=tcp", "TCP 192.0.2.2:5070"},
                      hop_case{"sip:bob@[2001:db8::2]", "UDP 2001:db8::2:5060"},
                      hop_case{"sip:bob@example.com", "UDP example.com:5060 lookup"},
                      hop_case{"sip:bob@example.com;maddr=192.0.2.9", "UDP 192.0.2.9:5060"},
                      hop_case{"sip:bob@example.com;maddr=edge.example",
                               "UDP edge.example:5060 lookup"},
                      hop_case{"sip:bob@192.0.2.2;transport=tls", "TLS 192.0.2.2:5061"},
                      hop_case{"sip:bob@192.0.2.2;transport=ws", "WS 192.0.2.2:80"},
                      hop_case{"sips:bob@192.0.2.2", "TLS 192.0.2.2:5061"},
                      hop_case{"sips:bob@192.0.2.2;transport=tcp", "TLS 192.0.2.2:5061"},
                      hop_case{"sips:bob@192.0.2.2;transport=udp", "bad_transport"},
                      hop_case{"sip:bob@192.0.2.2;transport=sctp", "bad_transport"},
                      hop_case{"sip:bob@192.0.2.2:0", "bad_port"},
                      hop_case{"sip:bob@example.com:0;transport=tcp", "bad_port"},
                      hop_case{"tel:+12015550123", "bad_scheme"}));

TEST(next_hop, only_a_udp_that_nobody_named_may_change_to_tcp) {
  const auto choice = [](const char* text) {
    return next_hop_of(*sip::uri::parse(text))->to_target().choice;
  };
  EXPECT_EQ(choice("sip:bob@192.0.2.2"), transport_choice::open);
  EXPECT_EQ(choice("sip:bob@192.0.2.2;transport=udp"), transport_choice::fixed);
  EXPECT_EQ(choice("sips:bob@192.0.2.2"), transport_choice::fixed);
}

} // namespace
} // namespace tandem::stack

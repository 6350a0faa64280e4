// SPDX-License-Identifier: Apache-2.0
// What changes in a request that is forwarded (RFC 3261 16.6), and what does not.
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/stack/proxy_for_test.hpp>

namespace tandem::stack {
namespace {

using namespace for_test;
using id = sip::header_id;

/// The request of request_parts with this line, or none, for Max-Forwards.
sip::message with_hops(std::string_view line) {
  std::string text = request_text({});
  constexpr std::string_view usual = "Max-Forwards: 70\r\n";
  text.replace(text.find(usual), usual.size(), line);
  return parsed(text);
}

struct hop_row {
  const char* line;
  int status;       ///< of the refusal; 0: forwarded
  const char* left; ///< what it is forwarded with
};

// RFC 3261 16.3 step 3, 16.6 step 3
TEST(count_hop, takes_one_from_max_forwards_and_refuses_only_what_has_none_left) {
  for (const auto& [line, status, left] :
       {hop_row{"Max-Forwards: 70\r\n", 0, "69"}, hop_row{"Max-Forwards: 2\r\n", 0, "1"},
        hop_row{"Max-Forwards: 1\r\n", 0, "0"}, hop_row{"Max-Forwards: 0\r\n", 483, ""},
        hop_row{"Max-Forwards: 00\r\n", 483, ""}, hop_row{"Max-Forwards: many\r\n", 483, ""},
        hop_row{"", 0, "70"}}) {
    SCOPED_TRACE(line);
    sip::message m = with_hops(line);
    const auto counted = count_hop(m);
    EXPECT_EQ(counted ? 0 : status_of(counted.error()), status);
    if (counted) {
      EXPECT_EQ(m.first(id::max_forwards), left);
    }
  }
}

struct lead_row {
  hop_sources of;
  const char* uri;
  bool is_by_address;
};

// RFC 3261 16.6 step 7, RFC 3327 5.3
TEST(lead_of, takes_the_path_the_address_the_choice_the_route_and_the_request_uri_in_this_order) {
  const std::string_view path = "<sip:edge@192.0.2.9;lr>, <sip:192.0.2.8;lr>";
  for (const auto& [of, uri, is_by_address] :
       {lead_row{{.uri = "sip:u"}, "sip:u", false},
        lead_row{{.uri = "sip:u", .route = "sip:r;lr"}, "sip:r;lr", false},
        lead_row{{.uri = "sip:u", .route = "sip:r;lr", .chosen = "sip:c"}, "sip:c", false},
        lead_row{{.uri = "sip:u", .chosen = "sip:c"}, "sip:c", false},
        lead_row{{.uri = "sip:u", .route = "sip:r;lr", .has_address = true}, "sip:r;lr", true},
        lead_row{{.uri = "sip:u", .chosen = "sip:c", .has_address = true}, "sip:c", true},
        lead_row{{.uri = "sip:u",
        .route = "sip:r;lr",
        .chosen = "sip:c",
        .path = path,
        .has_address = true},
                 "sip:edge@192.0.2.9;lr",
                 false}}) {
    SCOPED_TRACE(uri);
    const hop_lead lead = lead_of(of);
    EXPECT_EQ(lead.uri, uri);
    EXPECT_EQ(lead.is_by_address, is_by_address);
  }
}

TEST(forwarding, counts_the_hop_once_whatever_becomes_of_the_request) {
  proxy_fixture t;
  t.ways = {{"sip:bob@192.0.2.2", {target_at("192.0.2.2"), target_at("192.0.2.3")}}};
  t.receive({});
  t.take("100");
  auto sent = t.take("INVITE");
  EXPECT_EQ(parsed(sent.text).first(id::max_forwards), "69");
  t.on_failed = [&](context_handle c, int) {
    // A new branch from what was kept, which has been counted.
    t.on_failed = nullptr;
    const std::vector<target> to{target_at("192.0.2.4")};
    const forward_to way{"sip:carol@192.0.2.4", to};
    EXPECT_TRUE(t.core.relay(c, t.core.request_of(c), {&way, 1}, {.hops = hop_count::before}));
    return failure_verdict::decided;
  };
  t.answer(sent, 503);
  t.take("ACK");
  sent = t.take("INVITE");
  EXPECT_EQ(sent.to.address, target_at("192.0.2.3").address);
  EXPECT_EQ(parsed(sent.text).first(id::max_forwards), "69") << "another address is no other hop";
  t.answer(sent, 486);
  t.take("ACK");
  sent = t.take("INVITE");
  EXPECT_EQ(sent.to.address, target_at("192.0.2.4").address);
  EXPECT_EQ(parsed(sent.text).first(id::max_forwards), "69");
}

TEST(forwarding, counts_the_hop_of_what_goes_without_a_transaction_too) {
  proxy_fixture t;
  const std::vector<target> to{target_at("192.0.2.2")};
  const sip::message one = with_hops("Max-Forwards: 1\r\n");
  const auto routing = routing_hash(one, t.layer.secret());
  ASSERT_TRUE(t.core.forward_stateless(one, arrived_from("192.0.2.1:5060"),
                                       {"sip:bob@192.0.2.2", to}, routing));
  EXPECT_EQ(parsed(t.take("INVITE").text).first(id::max_forwards), "0");
  ASSERT_TRUE(t.core.replicate(one, {"sip:bob@192.0.2.2", to}, routing));
  EXPECT_EQ(parsed(t.take("INVITE").text).first(id::max_forwards), "0");
  const sip::message none = with_hops("Max-Forwards: 0\r\n");
  EXPECT_EQ(t.core
                .forward_stateless(none, arrived_from("192.0.2.1:5060"), {"sip:bob@192.0.2.2", to},
                                   routing)
                .error(),
            forward_errc::too_many_hops);
  ASSERT_TRUE(t.core.forward_stateless(none, arrived_from("192.0.2.1:5060"),
                                       {"sip:bob@192.0.2.2", to}, routing, hop_count::before))
      << "a script that counted it to 0 forwards it with 0";
  EXPECT_EQ(parsed(t.take("INVITE").text).first(id::max_forwards), "0");
}

TEST(forwarding, refuses_a_via_that_is_too_long_for_its_branch_to_stand_in_it) {
  proxy_fixture t;
  t.out.set_host(std::string(250, 'a') + ":5060");
  t.receive({});
  t.take("100");
  const auto sent = t.take("INVITE");
  EXPECT_TRUE(sip::has_magic_cookie(parsed(sent.text).key()->branch))
      << "the longest host name fits";
  t.out.set_host(std::string(600, 'a'));
  request_parts p;
  p.via += "b";
  p.call_id = "another";
  t.receive(p);
  EXPECT_EQ(t.relayed.error(), forward_errc::too_large);
}

// RFC 3261 16.11, 9.1, 17.1.1.3: whoever made the ACK and the CANCEL knows nothing of Proxy-
// headers, and the ACK has the To tag of the failure.
TEST(forwarding, without_a_transaction_gives_a_request_its_cancel_and_its_ack_one_branch) {
  proxy_fixture t;
  const std::vector<target> to{target_at("192.0.2.2")};
  const auto branch_of = [&](const request_parts& p) {
    const sip::message m = make_request(p);
    EXPECT_TRUE(t.core.forward_stateless(m, arrived_from("192.0.2.1:5060"),
                                         {"sip:bob@192.0.2.2", to},
                                         routing_hash(m, t.layer.secret())));
    return std::string{parsed(t.take(p.method).text).key()->branch};
  };
  request_parts p;
  p.more = "Route: <sip:192.0.2.2;lr>\r\n";
  request_parts ack = p;
  ack.method = "ACK";
  ack.to += ";tag=of-the-failure";
  request_parts cancel = p;
  cancel.method = "CANCEL";
  p.more += "Proxy-Authorization: Digest username=\"a\"\r\nProxy-Require: foo\r\n";
  const std::string branch = branch_of(p);
  EXPECT_EQ(branch_of(p), branch) << "a copy";
  EXPECT_EQ(branch_of(ack), branch);
  EXPECT_EQ(branch_of(cancel), branch);
  p.uri = "sip:carol@192.0.2.2";
  EXPECT_NE(branch_of(p), branch);
}

TEST(forwarding, without_a_transaction_knows_a_loop_by_its_own_branch) {
  proxy_fixture t;
  const std::vector<target> to{target_at("192.0.2.2")};
  request_parts p;
  p.more = "Proxy-Authorization: Digest username=\"a\"\r\n";
  const sip::message m = make_request(p);
  const auto routing = routing_hash(m, t.layer.secret());
  ASSERT_TRUE(t.core.forward_stateless(m, arrived_from("192.0.2.1:5060"), {p.uri, to}, routing));
  const sip::message back = parsed(t.take("INVITE").text);
  EXPECT_EQ(t.core
                .forward_stateless(back, arrived_from("192.0.2.1:5060"), {p.uri, to},
                                   routing_hash(back, t.layer.secret()))
                .error(),
            forward_errc::loop);
}

/// A target that was reached by the connection or the socket of this flow.
target by_flow(target to) {
  to.flow = {1, 1, 0};
  return to;
}

// RFC 3261 26.2.2, RFC 5630 5.3: a flow, a Path, a Route and the script name ways in clear, too.
TEST(forwarding, what_is_asked_for_by_sips_leaves_by_tls_or_not_at_all) {
  struct row {
    const char* uri;
    const char* route;
    target to;
    int status; ///< of the refusal; 0: forwarded, 478: there is no listener for TLS here
  };
  const target udp = target_at("192.0.2.2");
  const target tcp = target_at("192.0.2.2", transport_kind::tcp);
  const target tls = target_at("192.0.2.2", transport_kind::tls);
  for (const row& r :
       {row{"sips:bob@192.0.2.2", "", udp, 480}, row{"SIPS:bob@192.0.2.2", "", tcp, 480},
        row{"sips:bob@192.0.2.2", "", by_flow(udp), 480},
        row{"sips:bob@192.0.2.2", "", by_flow(tcp), 480},
        row{"sips:bob@192.0.2.2", "Route: <sip:192.0.2.9;lr>\r\n", udp, 480},
        row{"sips:bob@192.0.2.2", "Route: <sip:192.0.2.9>\r\n", udp, 480},
        row{"sip:bob@192.0.2.2", "Route: <sips:192.0.2.9>\r\n", udp, 480},
        row{"sips:bob@192.0.2.2", "", target_at("192.0.2.2", transport_kind::ws), 480},
        row{"sips:bob@192.0.2.2", "", tls, 478}, row{"sips:bob@192.0.2.2", "", by_flow(tls), 478},
        row{"sip:bob@192.0.2.2", "", udp, 0}}) {
    SCOPED_TRACE(std::string{r.uri} + " " + r.route + std::string{via_token(r.to.transport)});
    proxy_fixture t;
    t.ways = {{r.uri, {r.to}}};
    request_parts p;
    p.more = r.route;
    t.receive(p);
    EXPECT_EQ(t.relayed ? 0 : status_of(t.relayed.error()), r.status);
    EXPECT_EQ(t.sent(), r.status == 0 ? "100 INVITE" : "100 " + std::to_string(r.status));
    const sip::message m = make_request(p);
    const forward_to way{r.uri, t.ways[0].targets};
    const auto routing = routing_hash(m, t.layer.secret());
    const auto stateless =
        t.core.forward_stateless(m, arrived_from("192.0.2.1:5060"), way, routing);
    EXPECT_EQ(stateless ? 0 : status_of(stateless.error()), r.status);
    const auto replica = t.core.replicate(m, way, routing);
    EXPECT_EQ(replica ? 0 : status_of(replica.error()), r.status);
  }
}

// RFC 3261 16.3 step 4: the branch of a replica tells of the request as it came.
TEST(forwarding, a_replica_that_returns_is_a_loop) {
  proxy_fixture t;
  const std::vector<target> to{target_at("192.0.2.2")};
  const sip::message m = make_request({});
  const auto routing = routing_hash(m, t.layer.secret());
  sip::message edited = m.clone();
  ASSERT_TRUE(edited.edit().set_request_uri("sip:elsewhere@192.0.2.2"));
  ASSERT_TRUE(t.core.replicate(edited, {"sip:bob@192.0.2.2", to}, routing));
  const sip::message back = parsed(t.take("INVITE").text);
  EXPECT_EQ(t.core
                .forward_stateless(back, arrived_from("192.0.2.1:5060"), {"sip:bob@192.0.2.2", to},
                                   routing_hash(back, t.layer.secret()))
                .error(),
            forward_errc::loop);
}

} // namespace
} // namespace tandem::stack

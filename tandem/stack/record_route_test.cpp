// SPDX-License-Identifier: Apache-2.0
// Record-Route in the request, in its response, and as it comes back (RFC 3261 12.1, 12.2, 16.6
// step 4, 16.7 step 8; RFC 5658; RFC 5626 5.2).
#include <tandem/stack/record_route.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/route_rules.hpp>

#include <algorithm>
#include <vector>

namespace tandem::stack {
namespace {

using for_test::make_request;
using for_test::parsed;
using for_test::request_parts;

constexpr std::string_view alice = "sip:alice@192.0.2.1:5070";
constexpr std::string_view bob = "sip:bob@192.0.2.2:5090;line=7";

std::string header(std::string_view name, std::string_view value) {
  return std::string{name} + ": " + std::string{value} + "\r\n";
}
std::string contact(std::string_view uri) {
  return header("Contact", "<" + std::string{uri} + ">");
}

std::vector<std::string> recorded(const sip::message& m) {
  std::vector<std::string> all;
  for_each_value(m, sip::header_id::record_route, [&](std::string_view v) { all.emplace_back(v); });
  return all;
}

/// A call from alice through this element to bob, as each of them sees it.
class recorded_call : public ::testing::Test {
 protected:
  static request_parts invite(std::string_view more = {}) {
    request_parts p;
    p.more = contact(alice) + std::string{more};
    return p;
  }

  /// The INVITE is recorded, leaves, and is answered with this Contact; `above` are the values that
  /// others put on top on its way.
  void place(const request_parts& p, std::string_view answered_from = bob,
             std::string_view above = {}, const route_entry* second = nullptr,
             const flow_token& calling = {}, const flow_token& called = {}) {
    sip::message m = make_request(p);
    EXPECT_TRUE(push_record_route(m, rules, {{}, "192.0.2.100", transport_kind::udp}, calling));
    if (second || !called.view().empty()) {
      EXPECT_TRUE(record_way(m, rules, second, called));
    }
    EXPECT_TRUE(seal_record_route(m, secret));
    if (!above.empty()) {
      EXPECT_TRUE(m.edit().put_front(sip::header_id::record_route, above));
    }
    for_bob = recorded(m);
    sip::message ok =
        parsed(for_test::answer_text(m.to_string(), 200, "bob-1", contact(answered_from)));
    turn_record_route(ok, secret);
    for_alice = recorded(ok);
    std::reverse(for_alice.begin(), for_alice.end());
  }

  static request_parts within(bool is_from_bob, std::string_view uri,
                              const std::vector<std::string>& route) {
    request_parts p;
    p.method = "BYE";
    p.uri = uri;
    p.from =
        is_from_bob ? "<sip:bob@example.com>;tag=bob-1" : "<sip:alice@example.com>;tag=alice-1";
    p.to = is_from_bob ? "<sip:alice@example.com>;tag=alice-1" : "<sip:bob@example.com>;tag=bob-1";
    for (const std::string& r : route) p.more += header("Route", r);
    return p;
  }
  request_parts from_alice(std::string_view uri = bob) { return within(false, uri, for_alice); }
  request_parts from_bob(std::string_view uri = alice) { return within(true, uri, for_bob); }

  followed_route follow(const request_parts& p) {
    sip::message m = make_request(p);
    std::string params;
    const auto is_own = [](const sip::uri& u) {
      return u.host().text == "192.0.2.100" || u.host().text == "198.51.100.1";
    };
    static_cast<void>(take_own_route(m, is_own, params));
    const auto uri = sip::uri::parse(m.request_uri());
    return uri ? follow_own_route(m, *uri, params, secret, moved) : followed_route{};
  }
  bool is_ours(const request_parts& p) { return follow(p).is_ours; }

  hash_key secret = hash_key::random();
  refreshed_targets moved;
  record_route_rules rules;
  std::vector<std::string> for_alice; ///< route set
  std::vector<std::string> for_bob;
};

TEST_F(recorded_call, leads_each_party_to_the_other_one) {
  place(invite());
  ASSERT_EQ(for_alice.size(), 1U);
  EXPECT_TRUE(is_ours(from_alice())) << for_alice[0];
  EXPECT_TRUE(is_ours(from_bob())) << for_bob[0];
}

TEST_F(recorded_call, leads_whoever_has_seen_an_entry_nowhere_else) {
  place(invite());
  for (const char* const elsewhere :
       {"sip:bob@192.0.2.2", "sip:bob@192.0.2.2:5091;line=7", "sip:bob@192.0.2.3:5090",
        "sip:carol@192.0.2.2:5090", "sip:bob@192.0.2.2:5090;maddr=192.0.2.9",
        "sip:bob@192.0.2.2:5090;transport=tcp", "sips:bob@192.0.2.2:5090", "tel:+1555", "x:y"}) {
    EXPECT_FALSE(is_ours(from_alice(elsewhere))) << elsewhere;
    EXPECT_FALSE(is_ours(from_bob(elsewhere))) << elsewhere;
  }
  // The entry of the one in the hands of the other.
  EXPECT_FALSE(is_ours(within(false, alice, for_bob)));
  EXPECT_FALSE(is_ours(within(true, bob, for_alice)));
  EXPECT_FALSE(is_ours(within(false, bob, for_bob)));
  // Another dialog.
  for (const request_parts& p : {from_alice(), from_bob()}) {
    request_parts other = p;
    other.call_id = "other";
    EXPECT_FALSE(is_ours(other));
    other = p;
    other.to = "<sip:x@example.com>;tag=x";
    EXPECT_FALSE(is_ours(other));
    other.to = "<sip:x@example.com>";
    EXPECT_FALSE(is_ours(other));
  }
  request_parts stranger = from_alice();
  stranger.from = "<sip:eve@example.com>;tag=eve";
  EXPECT_FALSE(is_ours(stranger));
  // A next hop that nobody recorded.
  request_parts detour = from_alice();
  detour.more += header("Route", "<sip:192.0.2.66;lr>");
  EXPECT_FALSE(is_ours(detour));
}

TEST_F(recorded_call, is_not_found_where_a_mark_was_made_up_or_cut) {
  place(invite());
  const std::string entry = for_alice[0];
  const auto at = entry.find("did=") + 4;
  for (const std::size_t i : {0U, 9U, 10U, 19U, 20U, 29U}) {
    std::string changed = entry;
    changed[at + i] = changed[at + i] == '0' ? '1' : '0';
    EXPECT_FALSE(is_ours(within(false, bob, {changed}))) << changed;
  }
  EXPECT_FALSE(
      is_ours(within(false, bob, {"<sip:192.0.2.100;did=" + entry.substr(at, 10) + ";lr>"})));
  EXPECT_FALSE(is_ours(within(false, bob, {"<sip:192.0.2.100;lr>"})));
  EXPECT_FALSE(is_ours(within(false, bob, {})));
}

// RFC 3261 12.1: the proxies on either side stand in the route set beside us.
TEST_F(recorded_call, leads_by_the_proxies_that_recorded_themselves) {
  place(invite(header("Record-Route", "<sip:p1.example.com;lr>, <sip:p0.example.com;lr>")), bob,
        "<sip:p2.example.com:5080;lr;x=1>");
  ASSERT_EQ(for_bob.size(), 4U);
  EXPECT_TRUE(is_ours(within(true, alice, {for_bob.begin() + 1, for_bob.end()})));
  EXPECT_TRUE(is_ours(within(false, bob, {for_alice.begin() + 2, for_alice.end()})));
  EXPECT_FALSE(is_ours(within(true, alice, {for_bob[1]}))) << "past the proxy";
  EXPECT_FALSE(is_ours(within(false, bob, {for_alice[2]})));
  EXPECT_FALSE(is_ours(within(false, bob, {for_alice[2], "<sip:192.0.2.66;lr>"})));
}

// RFC 5658 3.2
TEST_F(recorded_call, has_two_entries_where_it_leaves_by_another_address) {
  const route_entry second{{}, "198.51.100.1:5062", transport_kind::tcp};
  place(invite(), bob, {}, &second);
  ASSERT_EQ(for_bob.size(), 2U);
  EXPECT_TRUE(for_bob[0].starts_with("<sip:198.51.100.1:5062;transport=tcp;r2=on;")) << for_bob[0];
  EXPECT_TRUE(for_bob[1].starts_with("<sip:192.0.2.100;")) << for_bob[1];
  EXPECT_NE(for_bob[1].find(";r2=on"), std::string::npos) << for_bob[1];
  EXPECT_TRUE(is_ours(from_alice()));
  EXPECT_TRUE(is_ours(from_bob()));
  EXPECT_FALSE(is_ours(from_alice("sip:bob@192.0.2.3")));
  EXPECT_FALSE(is_ours(from_bob("sip:alice@192.0.2.3")));
}

// RFC 3261 16.6 step 4, 26.2.2
TEST_F(recorded_call, is_recorded_by_sips_where_sips_is_asked_for_and_tls_is_spoken) {
  request_parts p = invite();
  p.uri = "sips:bob@example.com";
  sip::message m = make_request(p);
  ASSERT_TRUE(push_record_route(m, rules, {{}, "192.0.2.100", transport_kind::tls}));
  EXPECT_TRUE(recorded(m)[0].starts_with("<sips:192.0.2.100;ftag=")) << recorded(m)[0];
  sip::message in_clear = make_request(p);
  ASSERT_TRUE(push_record_route(in_clear, rules, {{}, "192.0.2.100", transport_kind::tcp}));
  EXPECT_TRUE(recorded(in_clear)[0].starts_with("<sip:192.0.2.100;transport=tcp;"));

  EXPECT_TRUE(seal_record_route(m, secret));
  for_bob = recorded(m);
  sip::message ok = parsed(for_test::answer_text(m.to_string(), 200, "bob-1", contact(bob)));
  turn_record_route(ok, secret);
  for_alice = recorded(ok);
  EXPECT_TRUE(is_ours(from_alice()));
  EXPECT_TRUE(is_ours(from_bob()));
}

// RFC 5626 5.2, 5.3
TEST_F(recorded_call, follows_the_flow_of_each_party_that_has_one) {
  target to_bob = for_test::target_at("203.0.113.9:4001");
  to_bob.flow = {7U << 16U | 2U, 0xffffffff, 3};
  target to_alice = for_test::target_at("[2001:db8::7]:4002", transport_kind::tcp);
  to_alice.flow = {1, 2, 1};
  place(invite(), bob, {}, nullptr, flow_token{to_alice}, flow_token{to_bob});
  const auto forth = follow(from_alice());
  ASSERT_TRUE(forth.is_ours && forth.flow);
  EXPECT_EQ(forth.flow->address, to_bob.address);
  EXPECT_EQ(forth.flow->flow, to_bob.flow);
  EXPECT_EQ(forth.flow->transport, transport_kind::udp);
  const auto back = follow(from_bob());
  ASSERT_TRUE(back.is_ours && back.flow);
  EXPECT_EQ(back.flow->address, to_alice.address);
  EXPECT_EQ(back.flow->transport, transport_kind::tcp);
  // A flow that somebody else has written is none of ours.
  std::string forged = for_alice[0];
  const auto at = forged.find(";dflow=") + 9;
  forged[at] = forged[at] == '0' ? '1' : '0';
  EXPECT_FALSE(is_ours(within(false, bob, {forged})));
}

// RFC 3261 12.2: target refresh.
TEST_F(recorded_call, leads_a_party_that_moved_to_where_it_is_now) {
  place(invite());
  constexpr std::string_view later = "sip:bob@192.0.2.77:5099";
  EXPECT_FALSE(is_ours(from_alice(later)));
  request_parts reinvite = from_bob();
  reinvite.method = "INVITE";
  reinvite.more += contact(later);
  ASSERT_TRUE(is_ours(reinvite));
  note_refresh(make_request(reinvite), secret, moved);
  EXPECT_TRUE(is_ours(from_alice(later)));
  EXPECT_FALSE(is_ours(from_alice("sip:bob@192.0.2.78:5099")));
  EXPECT_FALSE(is_ours(within(true, later, for_bob))) << "it is where bob is, not alice";
  // 12.2.1.2: by a 2xx.
  request_parts update = from_alice(later);
  update.method = "UPDATE";
  note_refresh(parsed(for_test::answer_text(for_test::request_text(update), 200, {},
                                            contact("sip:bob@192.0.2.79"))),
               secret, moved);
  EXPECT_TRUE(is_ours(from_alice("sip:bob@192.0.2.79")));
}

// RFC 3261 16.7 step 8
TEST_F(recorded_call, a_response_turns_no_entry_that_is_forged) {
  sip::message m = make_request(invite());
  EXPECT_TRUE(push_record_route(m, rules, {{}, "192.0.2.100", transport_kind::udp}));
  EXPECT_TRUE(seal_record_route(m, secret));
  const auto is_turned = [&](int status, const std::string& request) {
    sip::message r = parsed(for_test::answer_text(request, status, "bob-1", contact(bob)));
    const auto before = recorded(r);
    turn_record_route(r, secret);
    return recorded(r) != before;
  };
  std::string text = m.to_string();
  EXPECT_TRUE(is_turned(200, text));
  EXPECT_TRUE(is_turned(183, text));
  EXPECT_FALSE(is_turned(100, text));
  const auto at = text.find("did=") + 4;
  text[at] = text[at] == '0' ? '1' : '0';
  EXPECT_FALSE(is_turned(200, text));
  EXPECT_FALSE(is_turned(486, text));
}

// RFC 3261 12.1.1: without a To tag and a Contact there is no dialog, and no party to lead to. The
// entry that leads to the calling party, by a Contact that it wrote itself, is for the called one.
TEST_F(recorded_call, a_response_that_sets_up_no_dialog_gives_the_caller_no_way_to_anybody) {
  struct row {
    std::string_view method;
    int status;
    std::string_view to_tag;
    std::string more;
  };
  const route_entry second{{}, "198.51.100.1:5062", transport_kind::tcp};
  for (const row& r :
       {row{"MESSAGE", 200, "bob-1", {}}, row{"OPTIONS", 200, "bob-1", {}},
        row{"SUBSCRIBE", 202, "bob-1", {}}, row{"INVITE", 180, "bob-1", {}},
        row{"INVITE", 183, {}, contact(bob)}, row{"INVITE", 302, "bob-1", contact(bob)},
        row{"INVITE", 486, "bob-1", contact(bob)}, row{"INVITE", 603, "bob-1", {}}}) {
    for (const route_entry* const pair : {static_cast<const route_entry*>(nullptr), &second}) {
      request_parts p = invite();
      p.method = r.method;
      sip::message m = make_request(p);
      EXPECT_TRUE(push_record_route(m, rules, {{}, "192.0.2.100", transport_kind::udp}));
      if (pair) {
        EXPECT_TRUE(record_way(m, rules, pair, {}));
      }
      EXPECT_TRUE(seal_record_route(m, secret));
      sip::message answer =
          parsed(for_test::answer_text(m.to_string(), r.status, r.to_tag, r.more));
      turn_record_route(answer, secret);
      std::vector<std::string> route = recorded(answer);
      ASSERT_EQ(route.size(), pair ? 2U : 1U);
      for (int turn = 0; turn < 2; ++turn) {
        for (const std::string_view to : {alice, bob})
          for (const char* const tag : {"alice-1", "bob-1", "x"}) {
            request_parts next = within(false, to, route);
            next.to = std::string{"<sip:x@example.com>;tag="} + tag;
            EXPECT_FALSE(is_ours(next)) << r.method << " " << r.status << " " << route[0];
            next.from = "<sip:bob@example.com>;tag=bob-1";
            EXPECT_FALSE(is_ours(next)) << r.method << " " << r.status << " " << route[0];
          }
        std::reverse(route.begin(), route.end());
      }
    }
  }
}

TEST(flow_token, is_read_as_it_was_written_and_is_nothing_else) {
  for (const char* const address : {"192.0.2.1:5060", "[2001:db8::1]:65535"}) {
    target way = for_test::target_at(address, transport_kind::wss);
    way.flow = {0x12345678, 0x9abcdef0, 0xfedc};
    const flow_token token{way};
    const auto back = flow_token::parse(token.view());
    ASSERT_TRUE(back) << token.view();
    EXPECT_EQ(back->address, way.address);
    EXPECT_EQ(back->flow, way.flow);
    EXPECT_EQ(back->transport, way.transport);
    EXPECT_FALSE(flow_token::parse(token.view().substr(2)));
    EXPECT_FALSE(flow_token::parse(std::string{token.view()} + "00"));
    std::string changed{token.view()};
    changed[1] = '5'; // no such transport
    EXPECT_FALSE(flow_token::parse(changed));
    changed[1] = 'G';
    EXPECT_FALSE(flow_token::parse(changed));
  }
  EXPECT_FALSE(flow_token::parse(flow_token{}.view()));
}

TEST(refreshed_targets, forget_the_oldest_of_too_many) {
  refreshed_targets moved;
  EXPECT_FALSE(moved.is_at(1, 0));
  constexpr std::uint64_t places = refreshed_targets::most / 8;
  for (std::uint64_t i = 0; i < 9; ++i) moved.note(7 + i * places, 1);
  EXPECT_FALSE(moved.is_at(7, 1));
  EXPECT_TRUE(moved.is_at(7 + places, 1));
  moved.note(7 + places, 2);
  EXPECT_TRUE(moved.is_at(7 + places, 2));
  EXPECT_FALSE(moved.is_at(7 + places, 1));
  moved.note(7, 1);
  EXPECT_TRUE(moved.is_at(7 + places, 2));
  EXPECT_FALSE(moved.is_at(7 + 2 * places, 1));
}

} // namespace
} // namespace tandem::stack

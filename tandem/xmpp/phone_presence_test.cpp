// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/phone_presence.hpp>

#include <gtest/gtest.h>

namespace tandem::xmpp {
namespace {
namespace phone_tests { // where the names of the states mean only these

using enum phone_state;

constexpr std::array all{offline, online, still_online, on_the_phone, still_on_the_phone};

/// A phone that has been brought to a state by edges that are drawn.
phone_presence phone_in(phone_state wanted) {
  phone_presence phone;
  if (wanted == offline) return phone;
  EXPECT_FALSE(phone.take(online).is_repaired);
  if (wanted == still_online) phone.take(still_online);
  if (wanted == on_the_phone || wanted == still_on_the_phone) phone.take(on_the_phone);
  if (wanted == still_on_the_phone) phone.take(still_on_the_phone);
  EXPECT_EQ(phone.state(), wanted);
  return phone;
}

// The README of perl-bosh: these edges, and no others.
TEST(phone_presence, has_the_edges_that_are_drawn) {
  const std::vector<std::pair<phone_state, phone_state>> edges{
      {offline, online},
      {online, still_online},
      {online, on_the_phone},
      {online, offline},
      {still_online, still_online},
      {still_online, on_the_phone},
      {still_online, offline},
      {on_the_phone, still_on_the_phone},
      {on_the_phone, still_online},
      {on_the_phone, offline},
      {still_on_the_phone, still_on_the_phone},
      {still_on_the_phone, still_online},
      {still_on_the_phone, offline}};
  for (const phone_state from : all)
    for (const phone_state to : all) {
      phone_presence phone = phone_in(from);
      const auto step = phone.take(to);
      const bool is_drawn = std::ranges::find(edges, std::pair{from, to}) != edges.end();
      EXPECT_EQ(step.is_repaired, !is_drawn) << to_string(from) << " " << to_string(to);
      EXPECT_TRUE(!is_drawn || step.now == to) << to_string(from) << " " << to_string(to);
    }
}

// A phone that is said to be in a call, or free, or gone is shown so, whatever was said before; and
// only what has changed is news.
TEST(phone_presence, shows_what_it_is_told_from_any_state) {
  for (const phone_state from : all)
    for (const phone_state to : all) {
      phone_presence phone = phone_in(from);
      const presence before = phone.shown();
      const auto step = phone.take(to);
      EXPECT_EQ(phone.shown().is_available, to != offline);
      const bool is_call = to == on_the_phone || to == still_on_the_phone;
      EXPECT_EQ(phone.shown().show, is_call ? presence_show::away : presence_show::none);
      EXPECT_EQ(phone.shown().status, is_call ? "On the phone." : "");
      EXPECT_EQ(step.is_news, phone.shown() != before) << to_string(from) << " " << to_string(to);
    }
}

TEST(phone_presence, online_while_online_is_no_other_login) { // F6
  phone_presence phone = phone_in(online);
  const auto step = phone.take(online);
  EXPECT_EQ(step.now, still_online);
  EXPECT_FALSE(step.is_news);
}

TEST(phone_presence, has_a_negative_priority_unless_the_seeds_is_wanted) { // F9
  for (const phone_state to : {online, on_the_phone}) {
    phone_presence phone;
    phone.take(to);
    EXPECT_EQ(phone.shown().priority, -1);
    phone_presence seed{phone_style::with_seed_priorities()};
    seed.take(to);
    EXPECT_EQ(seed.shown().priority, to == online ? 0 : 90);
  }
}

TEST(phone_state, has_the_names_of_the_seed) {
  for (const char* const word :
       {"offline", "online", "still-online", "onthephone", "still-onthephone"}) {
    const auto state = phone_state_of(word);
    ASSERT_TRUE(state) << word;
    EXPECT_EQ(to_string(*state), word);
  }
  for (const char* const word : {"", "Online", "on-the-phone", "online "})
    EXPECT_FALSE(phone_state_of(word)) << word;
}

TEST(make_resource, fills_in_the_template) {
  const phone_identity phone{
      .label = "Desk", .user_agent = "Snom D785/10.1 (x)", .instance = "<urn:uuid:1>"};
  EXPECT_EQ(make_resource(only_phone, phone), "SIP-phone");
  EXPECT_EQ(make_resource("SIP-{label}", phone), "SIP-Desk");
  EXPECT_EQ(make_resource("{ua}-x", phone), "Snom-x");
  const auto hashed = make_resource("SIP-{hash6}", phone);
  ASSERT_TRUE(hashed);
  EXPECT_EQ(hashed->size(), 10U);
  EXPECT_EQ(make_resource("SIP-{label}", {.instance = "<urn:uuid:1>"}), hashed);
  EXPECT_NE(make_resource("SIP-{hash6}", {.instance = "<urn:uuid:2>"}), hashed);
  for (const char* const bad : {"", "{", "SIP-{", "{name}", "{ua", "a\nb"})
    EXPECT_FALSE(make_resource(bad, phone)) << bad;
  EXPECT_FALSE(make_resource("{label}", {.label = std::string(1024, 'a')}));
  EXPECT_FALSE(make_resource("{label}", {.label = "a\r\nb"}));
}

} // namespace phone_tests
} // namespace
} // namespace tandem::xmpp

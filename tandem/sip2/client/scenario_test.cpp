// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/scenario.hpp>

#include <gtest/gtest.h>

#include <set>

namespace tandem::sip2 {
namespace {

scenario whole() {
  scenario s;
  s.user = "u";
  s.password = "p";
  s.basics = {.institution = "i",
              .patron = "2",
              .patron_password = "",
              .terminal_password = "",
              .item = "3"};
  return s;
}

TEST(scenario, every_name_makes_a_request_of_its_own_that_the_protocol_knows) {
  std::set<std::string> lines;
  for (const auto& m : named_messages()) {
    const auto request = make_named(m.name, whole());
    ASSERT_TRUE(request) << m.name;
    ASSERT_TRUE(request->spec()) << m.name;
    EXPECT_EQ(request->spec()->way, direction::to_acs) << m.name;
    EXPECT_EQ(m.help.substr(0, 2), request->code.text()) << m.name;
    EXPECT_TRUE(
        lines.insert(std::string{request->code.text()} + request->fixed.substr(0, 1)).second)
        << m.name;
    EXPECT_EQ(request->has(field_id{"AA"}), m.needs_patron) << m.name;
    EXPECT_EQ(find_named_message(m.name), &m);
  }
  EXPECT_FALSE(make_named("nonsense", whole()));
}

TEST(scenario, values_reach_the_messages_that_take_them) {
  auto s = whole();
  s.acknowledges_fee = true;
  s.with_cancel = true;
  s.start_item = "2";
  s.properties = "x";
  for (const char* name : {"checkout", "renew", "renew-all", "hold"})
    EXPECT_EQ(make_named(name, s)->value(field_id{"BO"}), "Y") << name;
  EXPECT_FALSE(make_named("cancel-hold", s)->has(field_id{"BO"}));
  EXPECT_EQ(make_named("checkin", s)->value(field_id{"BI"}), "Y");
  EXPECT_EQ(make_named("patron-information", s)->value(field_id{"BP"}), "2");
  EXPECT_EQ(make_named("item-status-update", s)->value(field_id{"CH"}), "x");
}

TEST(scenario, what_is_missing_is_told_in_the_original_s_words) {
  EXPECT_EQ(find_missing({}), "! --sip-username required !");
  auto s = whole();
  EXPECT_EQ(find_missing(s), "");
  s.messages = {"checkout", "raw:77", "sc-status"};
  EXPECT_EQ(find_missing(s), "");
  s.basics.item.clear();
  EXPECT_EQ(find_missing(s), "! --item-barcode required for checkout !");
  s.messages = {"checkuot"};
  EXPECT_EQ(find_missing(s), "! unknown message 'checkuot'; did you mean checkout? !");
  s.messages = {"raw:"};
  EXPECT_NE(find_missing(s), "");
  s.messages.clear();
  s.summary = "Y";
  EXPECT_NE(find_missing(s).find("10 characters"), std::string::npos);
}

TEST(scenario, percentiles_are_of_the_times_that_there_are) {
  std::vector<duration> none;
  EXPECT_EQ(percentile(none, 0.5), duration{0});
  std::vector<duration> times{milliseconds{3}, milliseconds{1}, milliseconds{2}};
  EXPECT_EQ(percentile(times, 0.5), milliseconds{2});
  EXPECT_EQ(percentile(times, 1), milliseconds{3});
}

} // namespace
} // namespace tandem::sip2

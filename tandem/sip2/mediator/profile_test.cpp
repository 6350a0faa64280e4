// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/profile.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

using action = field_filter::action;

field_filter filter(action what, const char (&id)[3], std::string value = {},
                    std::vector<message_code> messages = {}, direction way = direction::to_sc) {
  field_filter f;
  f.what = what;
  f.id = field_id{id};
  f.value = std::move(value);
  f.messages = std::move(messages);
  f.way = way;
  return f;
}

message patron() {
  message m{code::patron_information_response};
  m.add(field_id{"AO"}, "MAIN").add(field_id{"PB"}, "19800101").add(field_id{"AF"}, "hello");
  return m;
}

TEST(profile, strips_replaces_and_adds_fields_of_answers) {
  profile p;
  p.filters = {filter(action::strip, "PB"), filter(action::replace, "AF", "welcome"),
               filter(action::add, "PC", "adult"), filter(action::add, "AO", "ignored")};
  auto m = patron();
  apply_to_answer(m, p);
  EXPECT_EQ(m.fields,
            (std::vector<field>{
                {field_id{"AO"}, "MAIN"}, {field_id{"AF"}, "welcome"}, {field_id{"PC"}, "adult"}}));
  auto request = patron();
  apply_to_request(request, p); // filters of answers leave requests alone
  EXPECT_EQ(request, patron());
}

TEST(profile, a_filter_keeps_to_its_messages_and_values) {
  profile p;
  p.filters = {filter(action::strip, "PB", {}, {code::patron_status_response}),
               filter(action::strip, "AF")};
  p.filters[1].only_if = "other";
  auto m = patron();
  apply_to_answer(m, p);
  EXPECT_EQ(m, patron());
}

TEST(profile, filters_of_requests) {
  profile p;
  p.filters = {filter(action::add, "AC", "terminal", {}, direction::to_acs)};
  message m{code::checkin};
  apply_to_request(m, p);
  EXPECT_EQ(m.value(field_id{"AC"}), "terminal");
}

TEST(profile, institutions_are_mapped_there_and_back) {
  profile p;
  p.institutions = {{"wire", "system"}};
  message m{code::checkin};
  m.add(field_id{"AO"}, "wire");
  apply_to_request(m, p);
  EXPECT_EQ(m.value(field_id{"AO"}), "system");
  apply_to_answer(m, p);
  EXPECT_EQ(m.value(field_id{"AO"}), "wire");
}

TEST(profile, the_mask_takes_away_but_never_adds) {
  profile p;
  p.supported_mask = "YNYN";
  message m{code::acs_status};
  m.add(field_id{"BX"}, "YYNNYY");
  apply_to_answer(m, p);
  EXPECT_EQ(m.value(field_id{"BX"}), "YNNNYY");
}

TEST(profile, an_unknown_name_is_the_default) {
  terminal_rules rules;
  EXPECT_EQ(rules.find_profile("x")->name, "default");
  auto named = std::make_shared<profile>();
  named->name = "kiosk";
  rules.profiles["kiosk"] = named;
  EXPECT_EQ(rules.find_profile("kiosk")->name, "kiosk");
  EXPECT_EQ(rules.find_account("nobody"), nullptr);
}

} // namespace
} // namespace tandem::sip2

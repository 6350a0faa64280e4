// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/admission.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

using kind = login_verdict::kind;

message login_of(std::string_view user, std::string_view password) {
  message m{code::login, {"0", "0"}};
  m.add(field_id{"CN"}, user).add(field_id{"CO"}, password);
  return m;
}

terminal_rules rules_with(account a) {
  terminal_rules rules;
  rules.accounts.emplace(a.login, std::move(a));
  return rules;
}

TEST(admission, an_unknown_login_is_the_back_end_s_to_judge_unless_only_known_ones_may) {
  terminal_rules rules;
  auto login = login_of("u", "p");
  EXPECT_EQ(check_login(login, rules).what, kind::relay);
  rules.only_known_accounts = true;
  EXPECT_EQ(check_login(login, rules).what, kind::refuse);
  EXPECT_EQ(check_login(login, rules).why, "no account 'u'");
  auto broken = message{code::login, {"0", "0"}};
  EXPECT_NE(check_login(broken, rules).why.find("another delimiter"), std::string::npos);
}

TEST(admission, a_password_that_is_known_here_is_checked_here) {
  auto rules = rules_with({.login = "u", .password = secret{"right"}});
  auto wrong = login_of("u", "wrong");
  const auto refused = check_login(wrong, rules);
  EXPECT_EQ(refused.what, kind::refuse);
  EXPECT_EQ(refused.why.find("wrong-"), std::string::npos);
  auto right = login_of("u", "right");
  EXPECT_EQ(check_login(right, rules).what, kind::relay);
  rules.accounts["u"].asks_backend = false;
  EXPECT_EQ(check_login(right, rules).what, kind::accept);
  EXPECT_EQ(check_login(wrong, rules).what, kind::refuse);
}

TEST(admission, the_back_end_gets_the_login_that_it_wants) {
  const auto rules = rules_with({.login = "u",
                                 .password = secret{"right"},
                                 .backend_login = "there",
                                 .backend_password = secret{"inner"}});
  auto login = login_of("u", "right");
  EXPECT_EQ(check_login(login, rules).what, kind::relay);
  EXPECT_EQ(login, login_of("there", "inner"));
}

TEST(admission, with_require_login_only_a_status_may_come_before_it) {
  profile p;
  p.needs_login = true;
  const message item{code::item_information};
  const message status{code::sc_status, {"0", "999", "2.00"}};
  EXPECT_TRUE(check_request(item, p, login_state::none));
  EXPECT_FALSE(check_request(item, p, login_state::accepted));
  EXPECT_FALSE(check_request(status, p, login_state::none));
  p.has_status_before_login = false;
  EXPECT_TRUE(check_request(status, p, login_state::none));
  EXPECT_FALSE(check_request(status, p, login_state::accepted));
  EXPECT_FALSE(check_request(item, profile{}, login_state::none)) << "it was not asked for";
}

TEST(admission, a_version_below_the_smallest_is_refused_and_a_blank_one_is_not) {
  profile p;
  p.minimum_version = "2.00";
  for (const auto& [version, is_refused] :
       {std::pair{"1.00", true}, std::pair{"2.00", false}, std::pair{"    ", false}}) {
    const message status{code::sc_status, {"0", "999", version}};
    EXPECT_EQ(check_request(status, p, login_state::accepted).has_value(), is_refused) << version;
  }
}

} // namespace
} // namespace tandem::sip2

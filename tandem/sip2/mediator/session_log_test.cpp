// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/session_log.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

message a_login(std::string_view user, std::string_view password) {
  message m{code::login, {"0", "0"}};
  m.add(field_id{"CN"}, user).add(field_id{"CO"}, password);
  return m;
}

TEST(session_log, the_log_and_the_back_end_have_the_same_id_for_a_request) {
  session_log log{"192.0.2.7:4711", "abc", log_privacy::secrets};
  EXPECT_EQ(log.label(), "[192.0.2.7:4711 - abc-0]");
  log.begin_request();
  log.use_account("kiosk");
  EXPECT_EQ(log.request_id(), "abc-1");
  EXPECT_EQ(log.label(), "[192.0.2.7:4711 kiosk abc-1]");
}

TEST(session_log, no_password_is_shown_wherever_it_stands) {
  session_log log{"192.0.2.7:4711", "abc", log_privacy::secrets};
  log.hide_login(a_login("u", "outer-secret"), a_login("there", "inner-secret"));
  message pin{code::patron_status};
  pin.add(field_id{"AD"}, "9753");
  log.hide_message(pin);
  EXPECT_EQ(log.without_secrets("outer-secret, inner-secret and 9753 of u"),
            "***, *** and *** of u");
  message answer{code::patron_status_response};
  answer.add(field_id{"AF"}, "PIN 9753 is wrong");
  const auto line = log.line_of(answer, '|', "AY1AZ0000");
  EXPECT_NE(line.find("AFPIN *** is wrong|"), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with("AY1AZ0000"));
  message telling{code::patron_status_response};
  telling.add(field_id{"AF"}, "outer-secret and inner-secret are not for patrons");
  const auto told = log.line_of(telling, '|', "");
  EXPECT_NE(told.find("AF*** and *** are not for patrons|"), std::string::npos) << told;
  log.hide_message(message{code::item_information});
  EXPECT_EQ(log.without_secrets("9753"), "9753") << "only while its message is in progress";
}

TEST(session_log, an_operator_may_have_patrons_hidden_or_all_shown) {
  message m{code::patron_status};
  m.add(field_id{"AA"}, "card").add(field_id{"AD"}, "9753");
  const session_log hiding{"p", "s", log_privacy::patron};
  EXPECT_EQ(hiding.line_of(m, '|', "").find("card"), std::string::npos);
  const session_log open{"p", "s", log_privacy::unsafe};
  EXPECT_NE(open.line_of(m, '|', "").find("AAcard|AD9753|"), std::string::npos);
}

} // namespace
} // namespace tandem::sip2

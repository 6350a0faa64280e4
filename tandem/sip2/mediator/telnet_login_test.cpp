// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/telnet_login.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

using outcome = telnet_login::outcome;

TEST(telnet_login, two_lines_become_a_93) {
  telnet_login t;
  EXPECT_FALSE(t.on_line("siplogin"));
  const auto login = t.on_line("secret");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->code, code::login);
  EXPECT_EQ(login->fixed, "00");
  EXPECT_EQ(login->value(field_id{"CN"}), "siplogin");
  EXPECT_EQ(login->value(field_id{"CO"}), "secret");
  const auto reply = t.on_answer({code::login_response, {"1"}});
  EXPECT_EQ(reply.what, outcome::accepted);
  EXPECT_EQ(reply.text, "Login OK.  Initiating SIP\r\n");
}

TEST(telnet_login, after_a_refusal_the_name_is_asked_for_anew_and_the_third_one_is_the_last) {
  telnet_login t;
  for (unsigned i = 1; i <= telnet_login::most_tries; ++i) {
    EXPECT_FALSE(t.on_line("name" + std::to_string(i)));
    const auto login = t.on_line("");
    ASSERT_TRUE(login);
    EXPECT_EQ(login->value(field_id{"CN"}), "name" + std::to_string(i));
    const auto reply = t.on_answer({code::login_response, {"0"}});
    const bool is_last = i == telnet_login::most_tries;
    EXPECT_EQ(reply.what, is_last ? outcome::out_of_tries : outcome::again);
    EXPECT_EQ(reply.text, is_last ? "Invalid login\r\n" : "Invalid login\r\nlogin: ");
  }
}

TEST(telnet_login, an_empty_name_is_a_name) {
  telnet_login t;
  EXPECT_FALSE(t.on_line(""));
  EXPECT_TRUE(t.on_line("x"));
}

} // namespace
} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/shell.hpp>

#include <tandem/sip2/client/server_for_test.hpp>

#include <gtest/gtest.h>

#include <sstream>

namespace tandem::sip2 {
namespace {

using action = shell::step::action;

scenario a_library() {
  scenario s;
  s.basics.institution = "main";
  return s;
}

TEST(shell, a_name_sends_a_message_with_values_that_stay) {
  shell sh{a_library()};
  const auto first = sh.on_line("checkout item=3 patron=2 pin=1234");
  ASSERT_EQ(first.what, action::ask);
  EXPECT_EQ(first.question.code, code::checkout);
  EXPECT_EQ(first.question.value(field_id{"AB"}), "3");
  EXPECT_EQ(first.question.value(field_id{"AD"}), "1234");
  EXPECT_EQ(sh.on_line("  set item=4  ").what, action::none);
  const auto second = sh.on_line("checkout");
  EXPECT_EQ(second.question.value(field_id{"AB"}), "4");
  EXPECT_EQ(second.question.value(field_id{"AA"}), "2");
}

TEST(shell, every_value_reaches_its_message) {
  shell sh{a_library()};
  (void)sh.on_line("set patron=p item=i location=here pickup=there amount=1.50 summary=Y");
  EXPECT_EQ(sh.on_line("checkin").question.value(field_id{"AP"}), "here");
  EXPECT_EQ(sh.on_line("hold").question.value(field_id{"BS"}), "there");
  EXPECT_EQ(sh.on_line("fee-payment").question.value(field_id{"BV"}), "1.50");
  EXPECT_EQ(sh.on_line("patron-information").question.fixed_named("summary"), "Y         ");
}

TEST(shell, every_message_that_the_help_lists_can_be_sent) {
  shell sh{a_library()};
  const auto help = sh.on_line("help");
  ASSERT_EQ(help.what, action::say);
  EXPECT_NE(help.text.find("summary=..."), std::string::npos);
  for (const auto& m : named_messages()) {
    EXPECT_NE(help.text.find(m.name), std::string::npos) << m.name;
    EXPECT_EQ(sh.on_line(m.name).what, action::ask) << m.name;
  }
}

TEST(shell, a_raw_line_is_sent_as_it_is) {
  shell sh{a_library()};
  for (const char* line : {"raw 17x  AB3|y=z|", "raw:17x  AB3|y=z|"}) {
    const auto step = sh.on_line(line);
    EXPECT_EQ(step.what, action::ask_raw);
    EXPECT_EQ(step.text, "17x  AB3|y=z|");
  }
  EXPECT_EQ(sh.on_line("raw").what, action::say);
  EXPECT_EQ(sh.on_line("rawness").what, action::say);
}

TEST(shell, what_is_not_known_is_told_and_changes_nothing) {
  shell sh{a_library()};
  EXPECT_EQ(sh.on_line("nonsense").text, "There is no message 'nonsense'; see help.\n");
  (void)sh.on_line("set item=1");
  EXPECT_EQ(sh.on_line("checkout item=2 color=red").text, "There is no value 'color'; see help.\n");
  EXPECT_EQ(sh.on_line("checkout").question.value(field_id{"AB"}), "1");
  EXPECT_EQ(sh.on_line("checkout item").text, "There is no value 'item'; see help.\n");
  EXPECT_EQ(sh.on_line("").what, action::none);
  EXPECT_EQ(sh.on_line("quit").what, action::quit);
  EXPECT_EQ(sh.on_line("exit").what, action::quit);
}

/// What a session of these lines shows, and how it ends.
struct shown {
  run_end end;
  std::string out, err;
};

shown run_lines(server_flaw flaw, const std::string& lines) {
  const server_for_test server{flaw};
  auto s = a_library();
  s.user = "u";
  s.server.port = server.port();
  std::istringstream in{lines};
  std::ostringstream out, err;
  printer print{print_form::raw, out, err};
  const auto end = run_shell(s, print, in, out, err);
  return {end, out.str(), err.str()};
}

TEST(shell, lines_are_answered_until_the_end) {
  const auto s = run_lines(server_flaw::none, "sc-status\nnonsense\nraw 9909992.00\nquit\nhelp\n");
  EXPECT_EQ(s.end, run_end::done);
  EXPECT_NE(s.out.find("> 9909992.00\n< 98YYYYNN"), std::string::npos) << s.out;
  EXPECT_NE(s.out.find("There is no message 'nonsense'"), std::string::npos);
  EXPECT_EQ(s.out.find("Messages:"), std::string::npos) << "nothing is read behind quit";
  EXPECT_EQ(s.err, "");
}

TEST(shell, a_refused_login_and_a_server_that_hangs_up_end_it) {
  EXPECT_EQ(run_lines(server_flaw::refuses_logins, "sc-status\n").end, run_end::login_refused);
  EXPECT_EQ(run_lines(server_flaw::hangs_up, "sc-status\n").end, run_end::no_answer);
}

TEST(shell, a_server_that_is_not_there_ends_it) {
  auto s = a_library();
  s.server.port = 1; // tcpmux: nobody listens
  s.server.connect_limit = seconds{1};
  std::istringstream in{"sc-status\n"};
  std::ostringstream out, err;
  printer print{print_form::raw, out, err};
  EXPECT_EQ(run_shell(s, print, in, out, err), run_end::cannot_connect);
  EXPECT_EQ(out.str(), "");
  EXPECT_NE(err.str(), "");
}

} // namespace
} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/conformance.hpp>

#include <tandem/sip2/client/server_for_test.hpp>
#include <tandem/sip2/protocol/failure_answer.hpp>
#include <tandem/sip2/protocol/form_faults.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace tandem::sip2 {
namespace {

std::vector<std::string> faults_of(const message& m) {
  auto line = write_message(m, {});
  line.pop_back();
  return find_form_faults(m, line);
}

TEST(conformance, the_answers_made_here_have_the_right_form) {
  for (const auto& spec : all_messages()) {
    if (spec.way != direction::to_acs || !find_message(spec.answer)) continue;
    const auto answer = failure_answer(message{spec.code}, "20261120    153457", "no");
    EXPECT_TRUE(faults_of(answer).empty()) << spec.name << ": " << faults_of(answer).front();
  }
}

TEST(conformance, each_fault_of_form_is_named) {
  message m{code::item_information_response, {"0x", "01", "01", "yesterday"}};
  m.add(field_id{"AJ"}, std::string(256, 'x'));
  EXPECT_EQ(faults_of(m),
            (std::vector<std::string>{"circulation status is '0x'",
                                      "transaction date is 'yesterday         '", "AB is missing",
                                      "AJ has 256 bytes, the standard allows 255"}));
  EXPECT_EQ(find_form_faults(message{code::login_response, {"1"}}, "94"),
            std::vector<std::string>{"2 bytes are too few for the fixed fields"});
  EXPECT_EQ(find_form_faults(message{code::login_response, {"1"}}, "941\n"),
            std::vector<std::string>{"control characters"});
}

/// The names of what a self-test finds bad at a server with this flaw.
std::vector<std::string> bad_of(server_flaw flaw) {
  const server_for_test server{flaw};
  scenario s;
  s.user = "u";
  s.password = "p";
  s.basics = {.institution = "i",
              .patron = "2",
              .patron_password = {},
              .terminal_password = {},
              .item = "3"};
  s.server.port = server.port();
  s.server.answer_limit = milliseconds{300};
  std::vector<std::string> bad;
  for (const auto& c : run_self_test(s))
    if (c.how == self_check::outcome::bad) bad.push_back(c.name);
  return bad;
}

TEST(self_test, finds_nothing_at_a_server_that_keeps_to_the_protocol) {
  EXPECT_EQ(bad_of(server_flaw::none), std::vector<std::string>{});
}

TEST(self_test, each_check_fails_at_a_server_with_the_flaw_that_it_looks_for) {
  const std::pair<server_flaw, const char*> flaws[] = {
      {server_flaw::refuses_logins, "connect and log in"},
      {server_flaw::drops_second_message, "two messages at once are both answered"},
      {server_flaw::forgets_its_answer, "a 97 repeats the last answer"},
      {server_flaw::answers_unknown_codes, "an unknown code is ignored"},
      {server_flaw::echoes_no_sequence, "log in with error detection (AY, AZ)"},
      {server_flaw::takes_wrong_checksums, "a wrong checksum is answered with 96"},
      {server_flaw::is_off_line, "on-line status"},
      {server_flaw::has_short_list, "supported messages (BX)"},
      {server_flaw::sends_short_fixed_fields, "item information (17)"},
      {server_flaw::hangs_up, "SC status (99)"},
  };
  for (const auto& [flaw, name] : flaws) {
    const auto bad = bad_of(flaw);
    EXPECT_NE(std::ranges::find(bad, name), bad.end()) << name;
  }
}

scenario of(const server_for_test& server) {
  scenario s;
  s.basics.item = "3";
  s.server.port = server.port();
  s.server.answer_limit = milliseconds{300};
  return s;
}

TEST(conformance, a_report_says_what_a_server_answers_and_where_it_fails) {
  const server_for_test good{server_flaw::none};
  const auto report = run_conformance(of(good), test_changes::none);
  EXPECT_TRUE(report.is_good());
  EXPECT_EQ(report.version, "2.00");
  EXPECT_EQ(report.supported.front(), "patron status (23)");
  EXPECT_EQ(report.supported.size() + report.unsupported.size(), 16U);
  std::ostringstream json;
  print_conformance(report, true, json);
  EXPECT_NE(json.str().find(R"({"name":"a message may come a byte at a time","outcome":"good")"),
            std::string::npos)
      << json.str();
  const server_for_test bad{server_flaw::hangs_up};
  EXPECT_FALSE(run_conformance(of(bad), test_changes::none).is_good());
}

TEST(conformance, changes_are_made_only_when_they_are_allowed) {
  const server_for_test server{server_flaw::none}; // which lends nothing to anybody
  auto s = of(server);
  s.basics.patron = "2";
  const auto has_lent = [](const conformance_report& r) {
    return std::ranges::any_of(r.checks, [](const auto& c) { return c.name == "checkout (11)"; });
  };
  EXPECT_FALSE(has_lent(run_conformance(s, test_changes::none)));
  EXPECT_TRUE(has_lent(run_conformance(s, test_changes::allowed)));
}

} // namespace
} // namespace tandem::sip2

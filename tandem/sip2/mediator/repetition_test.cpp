// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/repetition.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

const std::string d = "20261120    153457";
constexpr auto automatic = error_detection::automatic;

/// A line with a right tail.
std::string checked(std::string line, std::string_view sequence) {
  append_tail(line, sequence);
  return line;
}

const std::string* ask(repetition& r, std::string_view line, error_detection how = automatic) {
  return r.on_request(*open_line(line, {}), how);
}

TEST(repetition, the_same_sequence_and_sum_get_the_answer_again) {
  repetition r;
  const auto line = checked("17" + d + "AB3|", "4");
  EXPECT_EQ(ask(r, line), nullptr);
  EXPECT_EQ(ask(r, line), nullptr) << "it has no answer yet";
  r.on_answer("18...\r");
  ASSERT_NE(ask(r, line), nullptr);
  EXPECT_EQ(*ask(r, line), "18...\r");
  EXPECT_EQ(ask(r, checked("17" + d + "AB3|", "5")), nullptr);
  EXPECT_EQ(ask(r, line), nullptr) << "only the request before counts";
}

TEST(repetition, login_and_status_and_what_has_no_sequence_are_never_repetitions) {
  for (const auto& line :
       {checked("9909992.00", "0"), checked("9300CNu|COp|", "0"), "17" + d + "AB3|"}) {
    repetition r;
    EXPECT_EQ(ask(r, line), nullptr);
    r.on_answer("an answer\r");
    EXPECT_EQ(ask(r, line), nullptr) << line;
  }
  repetition r;
  const auto line = checked("17" + d + "AB3|", "4");
  EXPECT_EQ(ask(r, line, error_detection::off), nullptr);
  r.on_answer("an answer\r");
  EXPECT_EQ(ask(r, line, error_detection::off), nullptr) << "error detection is off";
}

TEST(repetition, a_97_gets_what_was_written_last_a_96_too) {
  repetition r;
  EXPECT_EQ(r.last_written(), nullptr);
  r.on_resend_request("96\r");
  EXPECT_EQ(*r.last_written(), "96\r");
  const auto line = checked("17" + d + "AB3|", "4");
  EXPECT_EQ(ask(r, line), nullptr);
  r.on_answer("18...\r");
  EXPECT_EQ(*r.last_written(), "18...\r");
  r.on_resend_request("96AZFEF6\r");
  EXPECT_EQ(*r.last_written(), "96AZFEF6\r");
  EXPECT_EQ(*ask(r, line), "18...\r") << "garbled, asked for again, and sent again: the same one";
  EXPECT_EQ(*r.last_written(), "18...\r");
}

} // namespace
} // namespace tandem::sip2

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

constexpr instant begun{seconds{1000}};

const std::string* ask(repetition& r, std::string_view line, error_detection how = automatic,
                       instant now = begun) {
  return r.on_request(*open_line(line, {}), how, seconds{10}, now);
}

TEST(repetition, the_same_sequence_and_sum_get_the_answer_again) {
  repetition r;
  const auto line = checked("17" + d + "AB3|", "4");
  EXPECT_EQ(ask(r, line), nullptr);
  EXPECT_EQ(ask(r, line), nullptr) << "it has no answer yet";
  r.on_answer("18...\r", true, begun);
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
    r.on_answer("an answer\r", true, begun);
    EXPECT_EQ(ask(r, line), nullptr) << line;
  }
  repetition r;
  const auto line = checked("17" + d + "AB3|", "4");
  EXPECT_EQ(ask(r, line, error_detection::off), nullptr);
  r.on_answer("an answer\r", true, begun);
  EXPECT_EQ(ask(r, line, error_detection::off), nullptr) << "error detection is off";
}

TEST(repetition, a_97_gets_what_was_written_last_a_96_too) {
  repetition r;
  EXPECT_EQ(r.last_written(), nullptr);
  r.on_resend_request("96\r");
  EXPECT_EQ(*r.last_written(), "96\r");
  const auto line = checked("17" + d + "AB3|", "4");
  EXPECT_EQ(ask(r, line), nullptr);
  r.on_answer("18...\r", true, begun);
  EXPECT_EQ(*r.last_written(), "18...\r");
  r.on_resend_request("96AZFEF6\r");
  EXPECT_EQ(*r.last_written(), "96AZFEF6\r");
  EXPECT_EQ(*ask(r, line), "18...\r") << "garbled, asked for again, and sent again: the same one";
  EXPECT_EQ(*r.last_written(), "18...\r");
}

const std::string later = "20261120    153459";
std::string checkout_of(std::string_view item, const std::string& when) {
  return "11YN" + when + when + "AOi|AApat|AB" + std::string{item} + '|';
}
std::string payment_of(const std::string& when) { return "37" + when + "0100USDBV1|AOi|AApat|"; }

struct repeated {
  const char* what;
  std::string first, second;
  bool is_done;
  duration after;
  bool is_same;
};

TEST(repetition, without_ay_a_change_that_comes_again_in_time_is_executed_once) {
  for (const auto& [what, first, second, is_done, after, is_same] : {
           repeated{"to the byte", checkout_of("3", d), checkout_of("3", d), true, seconds{9},
                    true},
           repeated{"to the byte, refused", checkout_of("3", d), checkout_of("3", d), false,
                    seconds{9}, true},
           repeated{"with new dates, done", checkout_of("3", d), checkout_of("3", later), true,
                    seconds{9}, true},
           repeated{"with new dates, refused: a second try", checkout_of("3", d),
                    checkout_of("3", later), false, seconds{9}, false},
           repeated{"another item", checkout_of("3", d), checkout_of("4", d), true, seconds{0},
                    false},
           repeated{"too late", checkout_of("3", d), checkout_of("3", d), true, seconds{10}, false},
           repeated{"another code", checkout_of("3", d), "29" + checkout_of("3", d).substr(2), true,
                    seconds{0}, false},
           repeated{"a payment to the byte", payment_of(d), payment_of(d), true, seconds{1}, true},
           repeated{"a second payment", payment_of(d), payment_of(later), true, seconds{1}, false},
           repeated{"a question", "17" + d + "AB3|", "17" + d + "AB3|", true, seconds{0}, false},
       }) {
    repetition r;
    EXPECT_EQ(ask(r, first), nullptr);
    r.on_answer("an answer\r", is_done, begun);
    const auto* again = ask(r, second, automatic, begun + after);
    EXPECT_EQ(again != nullptr, is_same) << what;
    if (again) {
      EXPECT_EQ(*again, "an answer\r");
    }
  }
  repetition r;
  EXPECT_EQ(ask(r, checkout_of("3", d)), nullptr);
  r.on_answer("an answer\r", true, begun);
  EXPECT_EQ(r.on_request(*open_line(checkout_of("3", d), {}), automatic, seconds{0}, begun),
            nullptr)
      << "a window of 0 is none";
}

} // namespace
} // namespace tandem::sip2

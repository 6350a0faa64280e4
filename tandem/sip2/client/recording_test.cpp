// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/recording.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

TEST(recording, raw_lines_traces_and_logs_are_read) {
  const auto all = read_recording(
      "> 9300CNu|COp|AY0AZF7B5\n< 941AY0AZFDFD\n"
      "> 1720261120    153457AOx|AB1|AY1AZ0000\n< 1803010120261120    153458AB1|AJEmma|\n"
      "\n20261120    153459 > 23000" // an admin trace
      "20261120    153459AOx|AAcard|AD***|\n"
      "20261120    153459 < 24              00020261120    153459AE|AAcard|AOx|\n"
      "SIP2Mediator[77]: [192.0.2.1:5 - abc-1] INPUT 9909992.00\n"
      "SIP2Mediator[77]: [192.0.2.2:6 - abd-1] INPUT 1720261120    153457AB2|\n"
      "SIP2Mediator[77]: [192.0.2.2:6 - abd-1] OUTPUT 1801010120261120    153457AB2|AJ|\\x0d\n"
      "SIP2Mediator[77]: [192.0.2.1:5] OUTPUT 98YYYYNN99999920261120    1534592.00AOx|BXY|\n"
      "SIP2Mediator[77]: Ready for clients...\n> 97\n> 77no message\n> 1120261120\n",
      {});
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].question.value(field_id{"AB"}), "1");
  EXPECT_FALSE(all[0].question.has(field_id{"AY"}));
  EXPECT_EQ(all[0].answer->value(field_id{"AJ"}), "Emma");
  EXPECT_EQ(all[1].answer->code, code::patron_status_response);
  EXPECT_EQ(all[2].answer->code, code::acs_status);
  EXPECT_EQ(all[3].answer->value(field_id{"AB"}), "2");
  EXPECT_EQ(all[4].question.code, code::checkout);
  EXPECT_FALSE(all[4].answer);
}

TEST(recording, hidden_passwords_are_filled_in_or_left_out) {
  const auto all = read_recording("> 2300020001120    153457AOx|AAcard|AC***|AD***|\n", {});
  ASSERT_EQ(all.size(), 1U);
  const auto m = ask_again(all[0].question, "", "1234");
  EXPECT_EQ(m.value(field_id{"AD"}), "1234");
  EXPECT_FALSE(m.has(field_id{"AC"}));
  EXPECT_EQ(m.value(field_id{"AA"}), "card");
  EXPECT_NE(m.fixed_named("transaction date").substr(0, 4), "2000");
}

TEST(recording, differences_are_named_and_dates_are_none) {
  message then{code::item_information_response, {"03", "01", "01", "20261120    153457"}};
  message now{code::item_information_response, {"04", "01", "01", "20261121    080000"}};
  then.add(field_id{"AB"}, "1").add(field_id{"AJ"}, "Emma").add(field_id{"AF"}, "x");
  now.add(field_id{"AJ"}, "Emma").add(field_id{"AB"}, "1");
  EXPECT_EQ(find_differences(then, now),
            (std::vector<std::string>{"circulation status: was '03', is '04'",
                                      "AF: was 'x', is nothing"}));
  EXPECT_TRUE(find_differences(then, then).empty());
  EXPECT_EQ(find_differences(then, message{code::login_response}),
            std::vector<std::string>{"was answered with 18, now with 94"});
}

} // namespace
} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/conformance.hpp>

#include <tandem/sip2/protocol/failure_answer.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <gtest/gtest.h>

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

} // namespace
} // namespace tandem::sip2

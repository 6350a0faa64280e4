// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/failure_answer.hpp>

#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <gtest/gtest.h>

#include <sstream>

namespace tandem::sip2 {
namespace {

constexpr std::string_view now = "20261120    153457";

std::string refused(std::string_view line) {
  const auto request = read_message(*open_line(line, {}), {});
  return write_message(failure_answer(request, now, "down"), {});
}

TEST(failure_answer, each_request_is_refused_in_its_own_way) {
  const std::string d{now};
  const std::pair<std::string, std::string> rows[] = {
      {"9300CNx|COy|", "940\r"},
      {"9901002.00", "98NNNNNN000000" + d + "2.00AO|BXNNNNNNNNNNNNNNNN|AFdown|\r"},
      {"9901001.00", "98NNNNNN000000" + d + "1.00AO|BXNNNNNNNNNNNNNNNN|AFdown|\r"},
      {"23001" + d + "AOi|AAp|AC|AD1|", "24YYYY          001" + d + "AOi|AAp|AE|BLN|AFdown|\r"},
      {"25" + d + "AOi|AAp|", "26YYYY          000" + d + "AOi|AAp|AE|BLN|AFdown|\r"},
      {"01N" + d + "AOi|ALx|AAp|AC|", "24YYYY          000" + d + "AOi|AAp|AE|BLN|AFdown|\r"},
      {"63001" + d + "Y         AOi|AAp|",
       "64YYYY          001" + d + std::string(24, '0') + "AOi|AAp|AE|BLN|AFdown|\r"},
      {"17" + d + "AOi|AB3|", "18010101" + d + "AB3|AJ|AFdown|\r"},
      {"19" + d + "AOi|AB3|CHx|", "200" + d + "AB3|AFdown|\r"},
      {"11YN" + d + d + "AOi|AAp|AB3|AC|", "120NUN" + d + "AOi|AAp|AB3|AJ|AH|AFdown|\r"},
      {"29NN" + d + d + "AOi|AAp|AB3|", "300NUN" + d + "AOi|AAp|AB3|AJ|AH|AFdown|\r"},
      {"09N" + d + d + "APx|AOi|AB3|AC|", "100NUN" + d + "AOi|AB3|AQ|AFdown|\r"},
      {"15+" + d + "AOi|AAp|AB3|", "160N" + d + "AOi|AAp|AFdown|\r"},
      {"35" + d + "AOi|AAp|", "36N" + d + "AOi|AAp|AFdown|\r"},
      {"37" + d + "0100USDBV1.00|AOi|AAp|", "38N" + d + "AOi|AAp|AFdown|\r"},
      {"65" + d + "AOi|AAp|", "66000000000" + d + "AOi|AFdown|\r"},
  };
  for (const auto& [request, answer] : rows) EXPECT_EQ(refused(request), answer) << request;
}

TEST(failure_answer, has_every_required_field_for_every_request) {
  for (const auto& row : all_messages()) {
    if (row.way != direction::to_acs) continue;
    const auto answer = failure_answer(message{row.code}, now, "");
    if (row.code == code::request_acs_resend) {
      EXPECT_EQ(answer.code, message_code{});
      continue;
    }
    ASSERT_EQ(answer.code, row.answer) << row.name;
    EXPECT_EQ(answer.fixed.size(), answer.spec()->fixed_width()) << row.name;
    std::istringstream ids{std::string{answer.spec()->required}};
    for (std::string id; ids >> id;) EXPECT_TRUE(answer.has(field_id::of(id))) << row.name << id;
  }
}

TEST(failure_answer, only_a_date_at_the_end_is_filled_in) {
  const std::string d{now};
  message checkout;
  checkout.code = code::checkout_response;
  checkout.fixed = "1NNY";
  EXPECT_TRUE(complete_fixed(checkout, now));
  EXPECT_EQ(checkout.fixed, "1NNY" + d);
  checkout.fixed = "1NNY2026"; // half of a date is worse than none
  EXPECT_FALSE(complete_fixed(checkout, now));
  checkout.fixed = "1N";
  EXPECT_FALSE(complete_fixed(checkout, now));

  message status; // its date is not the last one
  status.code = code::acs_status;
  status.fixed = "YYYYYY100003" + d;
  EXPECT_FALSE(complete_fixed(status, now));

  message patron;
  patron.code = code::patron_information_response;
  patron.fixed = std::string(14, ' ') + "001" + d + "0002";
  EXPECT_FALSE(complete_fixed(patron, now));
}

TEST(failure_answer, required_fields_are_added_once) {
  message m{code::hold_response};
  m.add(field_id{"AA"}, "p");
  add_required(m);
  add_required(m);
  EXPECT_EQ(m.fields, (std::vector<field>{{field_id{"AA"}, "p"}, {field_id{"AO"}, ""}}));
}

} // namespace
} // namespace tandem::sip2

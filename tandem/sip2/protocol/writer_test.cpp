// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/writer.hpp>

#include <tandem/sip2/protocol/checksum.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

TEST(writer, fixed_fields_have_their_width_whatever_the_message_says) {
  message m{code::login_response};
  for (const char* fixed : {"", "1", "123456"}) {
    m.fixed = fixed;
    EXPECT_EQ(write_message(m, {}).size(), 4U) << fixed;
  }
  m.fixed.assign(1, '\r');
  EXPECT_EQ(write_message(m, {}), "94 \r");
  m.fixed.assign(1, '|');
  EXPECT_EQ(write_message(m, {}), "94 \r");
}

TEST(writer, nothing_in_a_value_can_end_a_field_or_a_message) {
  message m{code::login_response, {"1"}};
  m.add(field_id{"AF"}, "line1\rline2\nx|y\x14z");
  m.add(field_id{"AF"}, "full\uff5cwidth"); // its ASCII is the delimiter
  wire_format format;
  format.text = charset::ascii;
  EXPECT_EQ(write_message(m, format), "941AFline1 line2 xy z|AFfullwidth|\r");
}

TEST(writer, an_id_that_would_break_the_line_is_left_out) {
  message m{code::login_response, {"1"}};
  m.add(field_id{"\r\n"}, "x").add(field_id{'A', '\0'}, "x").add(field_id{"A|"}, "x");
  m.add(field_id{" A"}, "x").add(field_id{"AF"}, "ok");
  EXPECT_EQ(write_message(m, {}), "941AFok|\r");
}

TEST(writer, tail_with_and_without_sequence) {
  const message m{code::login_response, {"1"}};
  EXPECT_EQ(write_message(m, {}, "0"), "941AY0AZFDFD\r");
  EXPECT_EQ(write_message(message{code::request_sc_resend}, {}, ""), "96AZFEF6\r");
  EXPECT_EQ(write_message(message{code::request_acs_resend}, {}, ""), "97AZFEF5\r");
}

TEST(writer, the_checksum_is_over_the_bytes_of_the_charset) {
  message m{code::login_response, {"1"}};
  m.add(field_id{"AE"}, "Jos\u00e9");
  for (const auto set : {charset::latin1, charset::cp850, charset::utf8, charset::ascii}) {
    wire_format format;
    format.text = set;
    auto line = write_message(m, format, "3");
    line.pop_back();
    const auto tail = find_tail(line, '|', 3);
    ASSERT_TRUE(tail);
    EXPECT_EQ(tail->value, checksum(line.substr(0, tail->covered))) << to_text(set);
  }
}

TEST(writer, terminator_delimiter_and_longest_value_of_a_terminal) {
  message m{code::login_response, {"1"}};
  m.add(field_id{"AF"}, "a|b\u00e9\u00e9");
  wire_format format;
  format.end = line_end::crlf;
  format.delimiter = '^';
  format.longest_value = 4;
  EXPECT_EQ(write_message(m, format), "941AFa|b^\r\n"); // never half of a character
  format.longest_value = 5;
  EXPECT_EQ(write_message(m, format), "941AFa|b\u00e9^\r\n");
  format.end = line_end::lf;
  format.text = charset::latin1;
  format.longest_value = 4;
  EXPECT_EQ(write_message(m, format), "941AFa|b\xe9^\n");
}

} // namespace
} // namespace tandem::sip2

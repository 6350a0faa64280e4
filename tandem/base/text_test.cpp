// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/text.hpp>

#include <array>
#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(text, letters_compare_without_case_and_other_bytes_exactly) {
  EXPECT_TRUE(iequals("Call-ID", "cALL-id"));
  EXPECT_FALSE(iequals("Call-ID", "Call_ID"));
  EXPECT_FALSE(iequals("[", "{")); // differ by the case bit but are no letters
}

TEST(text, a_number_is_digits_only_and_fits) {
  EXPECT_EQ(parse_number<unsigned>("0042"), 42U);
  EXPECT_EQ(parse_number<std::uint32_t>("4294967295"), 4294967295U);
  for (const char* bad : {"", " 1", "1 ", "+1", "-1", "1x", "4294967296", "0x10"})
    EXPECT_FALSE(parse_number<std::uint32_t>(bad)) << bad;
}

TEST(text, trim_takes_line_ends_too) {
  EXPECT_EQ(trim(" \t a b\r\n "), "a b");
  EXPECT_EQ(trim("\r\n"), "");
}

TEST(text, nearest_name_finds_a_typing_error_and_refuses_a_stranger) {
  constexpr std::array<std::string_view, 3> names{"t_relay", "t_reply", "save"};
  EXPECT_EQ(nearest_name("t_relya", names), "t_relay");
  EXPECT_EQ(nearest_name("sve", names), "save");
  EXPECT_EQ(nearest_name("record_route", names), "");
}

} // namespace
} // namespace tandem

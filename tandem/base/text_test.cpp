// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/text.hpp>

#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <limits>

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

TEST(text, a_signed_number_is_digits_with_or_without_a_minus_and_fits) {
  EXPECT_EQ(parse_signed_number<int>("0042"), 42);
  EXPECT_EQ(parse_signed_number<int>("-0042"), -42);
  EXPECT_EQ(parse_signed_number<int>("-0"), 0);
  EXPECT_EQ(parse_signed_number<std::int8_t>("127"), 127);
  EXPECT_EQ(parse_signed_number<std::int8_t>("-128"), -128);
  EXPECT_EQ(parse_signed_number<std::int64_t>("9223372036854775807"),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_signed_number<std::int64_t>("-9223372036854775808"),
            std::numeric_limits<std::int64_t>::min());
  for (const char* bad : {"", "-", "--1", "+1", "- 1", " 1", "1 ", "1-", "1x", "128", "-129"})
    EXPECT_FALSE(parse_signed_number<std::int8_t>(bad)) << bad;
  for (const char* bad : {"9223372036854775808", "-9223372036854775809"})
    EXPECT_FALSE(parse_signed_number<std::int64_t>(bad)) << bad;
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

TEST(text, nearest_name_allows_the_more_edits_the_longer_the_name) {
  struct row {
    std::string_view written, known;
    bool is_near;
  };
  const row table[] = {
      {"x", "y", false},
      {"$x", "ru", false},
      {"fo", "fu", true},
      {"sve", "save", true},
      {"acc", "exec", false},
      {"log", "loge", true},
      {"log", "long1", false},
      {"maxfwd", "mxfdw", false}, // three edits
      {"maxfwd", "maxfdw", true},
      {"rewritehsotprot", "rewritehostport", false},
      {"save", "lookup", false},
      {"rewritehostprt1", "rewritehostport", true},
      {"exec_dst", "exec_dset", true},
  };
  for (const row& r : table) {
    const std::array<std::string_view, 1> names{r.known};
    EXPECT_EQ(!nearest_name(r.written, names).empty(), r.is_near) << r.written << " " << r.known;
  }
}

TEST(text, nearest_name_takes_the_nearer_one_and_of_two_alike_the_first) {
  constexpr std::array<std::string_view, 3> names{"t_relay_to", "t_relay", "t_reply"};
  EXPECT_EQ(nearest_name("t_rely", names), "t_relay");
  EXPECT_EQ(nearest_name("", names), "");
}

} // namespace
} // namespace tandem

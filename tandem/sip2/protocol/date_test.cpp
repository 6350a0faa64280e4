// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/date.hpp>

#include <gtest/gtest.h>

#include <ctime>

namespace tandem::sip2 {
namespace {

TEST(date, local_time_has_four_blanks) {
  const auto text = format_date(std::chrono::system_clock::from_time_t(1792511697));
  EXPECT_EQ(text.size(), 18U);
  EXPECT_EQ(text.substr(8, 4), "    ");
  EXPECT_TRUE(looks_like_date(text));
  EXPECT_EQ(parse_date(text), std::chrono::system_clock::from_time_t(1792511697));
}

TEST(date, zones_by_letter) {
  const auto noon = std::chrono::system_clock::from_time_t(1704110400); // 2024-01-01 12:00 UTC
  EXPECT_EQ(format_date(noon, date_zone::utc), "20240101   Z120000");
  EXPECT_EQ(parse_date("20240101   Z120000"), noon);
  EXPECT_EQ(parse_date("20240101   A130000"), noon);
  EXPECT_EQ(parse_date("20240101   I210000"), noon);
  EXPECT_EQ(parse_date("20240101   K220000"), noon);
  EXPECT_EQ(parse_date("20240102   M000000"), noon);
  EXPECT_EQ(parse_date("20240101   N110000"), noon);
  EXPECT_EQ(parse_date("20240101   Q080000"), noon);
  EXPECT_EQ(parse_date("20240101   R070000"), noon);
  EXPECT_EQ(parse_date("20240101   Y000000"), noon);
  EXPECT_EQ(parse_date("20240101   J120000"), std::nullopt);
}

TEST(date, what_is_no_date_is_refused) {
  for (const char* text :
       {"", "20240101120000", "000000000000000000", "20241301    000000", "20240100    000000",
        "20240101    250000", "2024-1-1    000000", "                  ", "20240101    1200000"})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  EXPECT_FALSE(looks_like_date("00020260101    120"));
}

} // namespace
} // namespace tandem::sip2

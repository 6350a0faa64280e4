// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/parse_error.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string_view>

namespace tandem::sip {
namespace {

TEST(parse_error, every_code_has_a_text_of_its_own) {
  std::set<std::string_view> texts;
  const auto last = static_cast<std::uint32_t>(parse_errc::bad_sdp_line);
  for (std::uint32_t code = 1; code <= last; ++code)
    EXPECT_TRUE(texts.insert(describe(static_cast<parse_errc>(code))).second) << code;
  EXPECT_FALSE(texts.contains(describe(static_cast<parse_errc>(last + 1))));
}

TEST(parse_error, prints_what_and_where) {
  EXPECT_EQ(to_string({parse_errc::bad_host, 12}), "malformed host at byte 12");
}

} // namespace
} // namespace tandem::sip

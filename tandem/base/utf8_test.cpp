// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/utf8.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

TEST(utf8, refuses_overlong_forms_surrogates_and_broken_characters_rfc3629_4) {
  for (const std::string_view bad :
       {"\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xe6\x97", "\x80", "\xff", "a\xe9z"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
  for (const std::string_view good :
       {"", "plain", "\u00e9", "\u65e5", "\U0010ffff", "\x7f", "\xed\x9f\xbf", "\xee\x80\x80"})
    EXPECT_TRUE(is_utf8(good)) << good;
}

TEST(utf8, gives_one_character_after_the_other) {
  std::string_view text = "a\u65e5\xff\U0001f600";
  EXPECT_EQ(take_utf8(text), U'a');
  EXPECT_EQ(take_utf8(text), U'\u65e5');
  EXPECT_EQ(take_utf8(text), std::nullopt);
  EXPECT_EQ(take_utf8(text), U'\U0001f600');
  EXPECT_TRUE(text.empty());
}

} // namespace
} // namespace tandem

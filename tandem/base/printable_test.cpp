// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/printable.hpp>

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(printable, holds_no_control_character_and_nothing_that_is_no_utf_8) {
  EXPECT_EQ(to_printable("a\x1b[2Jb\r\n\x7f"), "a?[2Jb???");
  EXPECT_EQ(to_printable("\xc2\x9b"
                         "31m"),
            "??31m"); // CSI as C1
  EXPECT_EQ(to_printable("\xe2\x80\xae"
                         "txt"),
            "???txt"); // right-to-left override
  EXPECT_EQ(to_printable("M\xc3\xbcller \xe2\x82\xac"), "M\xc3\xbcller \xe2\x82\xac");
  EXPECT_EQ(to_printable("\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xc3"), "?????????"
                                                                          "??");
}

TEST(printable, is_as_wide_as_its_characters) { EXPECT_EQ(width_of("M\xc3\xbcller"), 6U); }

} // namespace
} // namespace tandem

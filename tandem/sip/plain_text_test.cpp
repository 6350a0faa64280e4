// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/plain_text.hpp>

#include <gtest/gtest.h>

#include <utility>

namespace tandem::sip {
namespace {

TEST(plain_text, is_what_a_quoted_string_means) {
  EXPECT_EQ(plain_text{"alice"}.view(), "alice");
  EXPECT_EQ(plain_text{R"(a\"b\\c\d)"}.view(), R"(a"b\cd)");
  EXPECT_EQ(plain_text{""}.view(), "");
}

TEST(plain_text, keeps_its_meaning_when_it_moves) {
  plain_text from{R"(a\"b)"};
  const plain_text to = std::move(from);
  EXPECT_EQ(to.view(), "a\"b");
}

} // namespace
} // namespace tandem::sip

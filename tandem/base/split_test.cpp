// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/split.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

std::string pieces(std::string_view text) {
  std::string all;
  for (const std::string_view piece : split(text, ',')) all.append("[").append(piece).append("]");
  return all;
}

TEST(split, gives_what_stands_between_separators) {
  EXPECT_EQ(pieces("a,bc,d"), "[a][bc][d]");
  EXPECT_EQ(pieces("a"), "[a]");
  EXPECT_EQ(pieces(",a"), "[][a]");
  EXPECT_EQ(pieces("a,,b"), "[a][][b]");
}

TEST(split, begins_no_piece_behind_the_last_separator) {
  EXPECT_EQ(pieces(""), "");
  EXPECT_EQ(pieces("a,"), "[a]");
  EXPECT_EQ(pieces(","), "[]");
}

} // namespace
} // namespace tandem

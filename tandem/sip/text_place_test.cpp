// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/text_place.hpp>

#include <gtest/gtest.h>
#include <string>

namespace tandem::sip {
namespace {

TEST(text_place, reaches_to_the_end_of_the_largest_text_and_stays_good_in_a_copy) {
  std::string text(65'535, 'x');
  text.back() = 'y';
  const text_place last{std::string_view{text}.substr(65'534), text.data()};
  const text_place all{0, text.size()};
  const std::string copy = text;
  EXPECT_EQ(last.in(copy.data()), "y");
  EXPECT_EQ(all.in(copy.data()), text);
  EXPECT_EQ(text_place({}, text.data()).in(copy.data()), "") << "no text has no place";
}

} // namespace
} // namespace tandem::sip

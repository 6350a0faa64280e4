// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/checksum.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

constexpr std::string_view vectors[] = {
    "9909992.00AY1AZFC8D",
    "9300CNsiplogin|COsippassword|AY0AZF390",
    "941AY0AZFDFD",
    "940AY0AZFDFE",
    "941AY1AZFDFC",
    "9300CNscclient|COclientpwd|AY1AZF494",
    "9900401.00AY1AZFCA5",
    "2300020240102    030405AOexample|AA987654321|AC|ADdemo123|AY2AZEF5E",
    "64AEJos\xe9|AY3AZFB17",
    "64AEJos\xc3\xa9|AY3AZFA94",
    "64AEJos\x82|AY3AZFB7E",
    "97AZFEF5",
    "96AZFEF6",
};

TEST(checksum, known_vectors_are_right) {
  for (const auto line : vectors) {
    const auto tail = find_tail(line, '|', 2);
    ASSERT_TRUE(tail) << line;
    EXPECT_EQ(tail->value, checksum(line.substr(0, tail->covered))) << line;
    EXPECT_TRUE(is_right(*tail, line)) << line;
  }
}

TEST(checksum, append_writes_the_same_tails) {
  for (const auto line : vectors) {
    const auto tail = *find_tail(line, '|', 2);
    std::string again{line.substr(0, tail.begin)};
    append_tail(again, tail.sequence);
    EXPECT_EQ(again, line);
  }
}

TEST(checksum, one_changed_byte_makes_it_wrong) {
  std::string line{vectors[1]};
  for (std::size_t i = 0; i < line.size() - 6; ++i) {
    std::string other = line;
    other[i] = static_cast<char>(other[i] ^ 1);
    const auto tail = find_tail(other, '|', 4);
    EXPECT_FALSE(tail && is_right(*tail, other)) << other;
  }
}

/// `text` with a right checksum written by `format`.
std::string with_sum(const std::string& text, const char* format) {
  char digits[16];
  std::snprintf(digits, sizeof digits, format, checksum(text));
  return text + digits;
}

TEST(checksum, deviations_of_real_clients_are_accepted) {
  const std::string lines[] = {
      with_sum("9300CNx|COy|AY10AZ", "%04X"), // a sequence of two digits
      with_sum("9300CNx|COy|AZ", "%04X"),     // no sequence after a 96
      with_sum("9300CNx|COy||AY0AZ", "%04X"), // one more delimiter
      with_sum("9300CNx|COy|AY0AZ", "%04x"),  // lower case
      with_sum("9300CNx|COy|AY0AZ", "%04X") + "|",
      with_sum("9300CNx|COyAY0AZ", "%04X"), // last delimiter forgotten, but the sum is right
      "64AEJos\xc3\xa9|AY3AZFB17",          // sum over characters, not bytes
  };
  for (const auto& line : lines) {
    const auto tail = find_tail(line, '|', 4);
    ASSERT_TRUE(tail) << line;
    EXPECT_TRUE(is_right(*tail, line)) << line;
  }
}

TEST(checksum, without_leading_zeros_and_with_a_fifth_digit) {
  std::string low = "9300CN|CO|"; // filled until the checksum is small, then zero
  while (checksum(low + "AY0AZ") > 0x0fff) low.insert(6, 1, '\x7f');
  const auto text = with_sum(low + "AY0AZ", "%X");
  EXPECT_LT(find_tail(text, '|', 4)->digits.size(), 4U);
  EXPECT_TRUE(is_right(*find_tail(text, '|', 4), text));

  while (checksum(low + "AY0AZ") > 0x7f) low.insert(6, 1, '\x7f');
  low.insert(6, 1, static_cast<char>(checksum(low + "AY0AZ")));
  ASSERT_EQ(checksum(low + "AY0AZ"), 0);
  const auto round = low + "AY0AZ10000";
  EXPECT_TRUE(is_right(*find_tail(round, '|', 4), round));
}

TEST(checksum, text_that_only_looks_like_a_tail_is_none) {
  EXPECT_FALSE(find_tail("9300CNx|COtopAZ12", '|', 4));
  EXPECT_FALSE(find_tail("9300CNx|COy|", '|', 4));
  EXPECT_FALSE(find_tail("9300CNx|AYAZ", '|', 4));
  EXPECT_FALSE(find_tail("AZ12", '|', 4));
  EXPECT_FALSE(find_tail("", '|', 4));
  EXPECT_FALSE(find_tail("9300|AZ123456", '|', 4));
}

} // namespace
} // namespace tandem::sip2

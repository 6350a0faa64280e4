// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/big_endian.hpp>
#include <tandem/base/hex.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

TEST(hex, has_two_digits_in_lower_case_for_each_byte) {
  constexpr std::array<std::uint8_t, 5> bytes{0x00, 0x09, 0x7f, 0xab, 0xff};
  std::string text(12, '.');
  EXPECT_EQ(write_hex(text.data() + 1, bytes), text.data() + 11);
  EXPECT_EQ(text, ".00097fabff.");
}

TEST(big_endian, writes_and_reads_as_many_bytes_as_it_is_told) {
  std::array<std::uint8_t, 12> bytes{};
  std::uint8_t* end = put_big_endian(bytes.data(), 0x0102'0304'0506'0708, 8);
  end = put_big_endian(end, 0xffff'a1b2'c3d4, 4);
  EXPECT_EQ(end, bytes.data() + bytes.size());
  EXPECT_EQ(bytes[0], 1);
  EXPECT_EQ(bytes[8], 0xa1) << "what does not fit is cut off in front";
  const std::uint8_t* at = bytes.data();
  EXPECT_EQ(take_big_endian(at, 8), 0x0102'0304'0506'0708u);
  EXPECT_EQ(take_big_endian(at, 4), 0xa1b2'c3d4u);
  EXPECT_EQ(at, bytes.data() + bytes.size());
}

} // namespace
} // namespace tandem

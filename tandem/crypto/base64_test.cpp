// SPDX-License-Identifier: Apache-2.0
#include <tandem/crypto/base64.hpp>

#include <gtest/gtest.h>

namespace tandem::crypto {
namespace {

TEST(base64, is_that_of_rfc_4648_10) {
  EXPECT_EQ(encode_base64(""), "");
  EXPECT_EQ(encode_base64("f"), "Zg==");
  EXPECT_EQ(encode_base64("fo"), "Zm8=");
  EXPECT_EQ(encode_base64("foo"), "Zm9v");
  EXPECT_EQ(encode_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(encode_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_base64(std::string_view{"\0\xff", 2}), "AP8=");
}

TEST(base64, of_many_bytes_has_padding_at_its_end_only) {
  const std::string bytes((std::size_t{3} << 20) + 1, 'a');
  const std::string text = encode_base64(bytes);
  EXPECT_EQ(text.size(), (bytes.size() + 2) / 3 * 4);
  EXPECT_EQ(text.find('='), text.size() - 2);
  EXPECT_EQ(text.substr(0, 8), "YWFhYWFh");
}

} // namespace
} // namespace tandem::crypto

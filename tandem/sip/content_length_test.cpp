// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/content_length.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/parsed_for_test.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

using for_test::parsed;

TEST(content_length, is_written_where_a_stream_needs_it_rfc3261_18_3) {
  message msg = parsed("MESSAGE sip:a SIP/2.0\r\nCall-ID: x\r\n\r\nhello");
  EXPECT_EQ(msg.body(), "hello");
  EXPECT_FALSE(has_right_length(msg));
  ASSERT_TRUE(ensure_content_length(msg));
  EXPECT_TRUE(has_right_length(msg));
  EXPECT_EQ(msg.to_string(),
            "MESSAGE sip:a SIP/2.0\r\nCall-ID: x\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(content_length, stays_as_it_is_written_when_it_is_right) {
  const std::string text = "MESSAGE sip:a SIP/2.0\r\nl : 005\r\n\r\nhello";
  message msg = parsed(text);
  ASSERT_TRUE(ensure_content_length(msg));
  EXPECT_EQ(msg.to_string(), text);
}

TEST(content_length, stands_once_and_says_what_the_body_has) {
  message msg = parsed("MESSAGE sip:a SIP/2.0\r\nl: 5\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_FALSE(has_right_length(msg)) << "two lines, another reader may see the other one";
  ASSERT_TRUE(ensure_content_length(msg));
  EXPECT_EQ(msg.count(hdr::content_length), 1u);
  ASSERT_TRUE(msg.edit().put(hdr::content_length, "4"));
  EXPECT_FALSE(has_right_length(msg));
  ASSERT_TRUE(ensure_content_length(msg));
  EXPECT_EQ(msg.first(hdr::content_length), "5");
}

} // namespace
} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/headers.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/parsed_for_test.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

using for_test::parsed;

TEST(max_forwards, counts_down_to_zero_and_is_added_when_missing_rfc3261_16_6_step_3) {
  message msg = parsed("OPTIONS sip:a SIP/2.0\r\nMax-Forwards: 1\r\n\r\n");
  EXPECT_EQ(decrement_max_forwards(msg).value(), 0u);
  EXPECT_EQ(decrement_max_forwards(msg).error(), edit_errc::bad_value);
  EXPECT_EQ(msg.first(hdr::max_forwards), "0");
  msg.edit().erase(hdr::max_forwards);
  EXPECT_EQ(decrement_max_forwards(msg).value(), 70u);
  EXPECT_EQ(msg.first(hdr::max_forwards), "70");
  ASSERT_TRUE(msg.edit().put(hdr::max_forwards, "many"));
  EXPECT_EQ(decrement_max_forwards(msg).error(), edit_errc::bad_value);
  EXPECT_EQ(msg.first(hdr::max_forwards), "many");
}

} // namespace
} // namespace tandem::sip

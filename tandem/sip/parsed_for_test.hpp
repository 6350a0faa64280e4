// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tandem/sip/message.hpp>

#include <gtest/gtest.h>

#include <string_view>

namespace tandem::sip::for_test {

/// A message that a test wrote. What cannot be parsed fails the test, and is an empty message.
inline message parsed(std::string_view text) {
  auto m = message::parse(text);
  EXPECT_TRUE(m) << text << (m ? "" : to_string(m.error()));
  return m ? std::move(*m) : message{};
}

} // namespace tandem::sip::for_test

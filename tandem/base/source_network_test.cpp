// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/source_network.hpp>

#include <gtest/gtest.h>

#include <string>

namespace tandem {
namespace {

TEST(source_network, is_what_one_subscriber_owns) {
  const auto network = [](const char* text) {
    return source_network(*ip_address::parse(text)).to_string();
  };
  EXPECT_EQ(network("192.0.2.77"), "192.0.2.77");
  EXPECT_EQ(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
  EXPECT_EQ(network("::ffff:192.0.2.77"), "192.0.2.77");
  EXPECT_EQ(network("::1"), "::");
  EXPECT_FALSE(source_network(ip_address{}));
}

} // namespace
} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/server_name.hpp>

#include <gtest/gtest.h>
#include <string>

namespace tandem::stack {
namespace {

TEST(server_name, compares_without_case_rfc_4343_and_none_is_no_name) {
  EXPECT_EQ(server_name{"Proxy.Example"}, server_name{"proxy.example"});
  EXPECT_NE(server_name{"a.example"}, server_name{"b.example"});
  EXPECT_NE(server_name{"a.example"}, server_name{});
  EXPECT_EQ(server_name{}, server_name{""});
  EXPECT_FALSE(server_name{""});
}

TEST(server_name, is_none_when_it_is_longer_than_a_name_can_be) {
  EXPECT_TRUE(server_name{std::string(server_name::longest, 'a')});
  EXPECT_FALSE(server_name{std::string(server_name::longest + 1, 'a')});
}

} // namespace
} // namespace tandem::stack

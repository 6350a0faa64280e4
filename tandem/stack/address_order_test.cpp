// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/address_order.hpp>

#include <gtest/gtest.h>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace tandem::stack {
namespace {

std::vector<ip_address> all_of(std::initializer_list<std::string_view> all) {
  std::vector<ip_address> made;
  for (const auto one : all) made.push_back(*ip_address::parse(one));
  return made;
}

TEST(order_addresses, is_by_the_precedence_of_rfc_6724_and_stable) {
  auto all = all_of({"192.0.2.1", "fd00::1", "2001::1", "2002:c000:0201::1", "2001:db8::2",
                     "192.0.2.2", "2001:db8::1", "::1"});
  order_addresses(all);
  EXPECT_EQ(all, all_of({"::1", "2001:db8::2", "2001:db8::1", "192.0.2.1", "192.0.2.2",
                         "2002:c000:0201::1", "2001::1", "fd00::1"}));
}

} // namespace
} // namespace tandem::stack

// SPDX-License-Identifier: Apache-2.0
// Location of servers (RFC 3263): what is asked, and where it leads.
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/server_location.hpp>

#include <gtest/gtest.h>

namespace tandem::stack {
namespace {

using for_test::uri_of;

std::vector<ip_address> addresses(std::initializer_list<std::string_view> all) {
  std::vector<ip_address> made;
  for (const auto one : all) made.push_back(*ip_address::parse(one));
  return made;
}

TEST(server_location, of_a_numeric_host_asks_nothing_rfc3263_4_2) {
  const sip::uri uri = uri_of("sip:bob@192.0.2.7:5070;transport=tcp");
  auto location = server_location::of(uri);
  ASSERT_TRUE(location);
  EXPECT_FALSE(location->question());
  ASSERT_EQ(location->targets().size(), 1U);
  EXPECT_EQ(location->targets()[0].address.to_string(), "192.0.2.7:5070");
  EXPECT_EQ(location->targets()[0].transport, transport_kind::tcp);
}

TEST(server_location, of_a_name_asks_for_its_addresses_and_tries_them_in_their_order) {
  const sip::uri uri = uri_of("sip:bob@example.com:5062");
  auto location = server_location::of(uri);
  ASSERT_TRUE(location);
  ASSERT_TRUE(location->question());
  EXPECT_EQ(location->question()->name, "example.com");
  EXPECT_EQ(location->question()->type, dns_type::address);
  EXPECT_TRUE(location->targets().empty());
  location->take_addresses(addresses({"2001:db8::1", "192.0.2.1"}));
  EXPECT_FALSE(location->question());
  ASSERT_EQ(location->targets().size(), 2U);
  EXPECT_EQ(location->targets()[0].address.to_string(), "[2001:db8::1]:5062");
  EXPECT_EQ(location->targets()[1].address.to_string(), "192.0.2.1:5062");
}

TEST(server_location, of_a_name_without_addresses_leads_nowhere) {
  const sip::uri uri = uri_of("sip:bob@nowhere.example");
  auto location = server_location::of(uri);
  ASSERT_TRUE(location);
  location->take_addresses({});
  EXPECT_FALSE(location->question());
  EXPECT_TRUE(location->targets().empty());
}

TEST(server_location, takes_the_first_answer_only) {
  const sip::uri uri = uri_of("sip:bob@example.com");
  auto location = server_location::of(uri);
  location->take_addresses(addresses({"192.0.2.1"}));
  location->take_addresses(addresses({"192.0.2.2"}));
  EXPECT_EQ(location->targets().size(), 1U);
}

TEST(server_location, asks_for_maddr_where_it_is_named) {
  const sip::uri uri = uri_of("sip:bob@example.com;maddr=edge.example.com");
  EXPECT_EQ(server_location::of(uri)->question()->name, "edge.example.com");
}

TEST(server_location, of_what_is_no_sip_uri_fails) {
  const sip::uri uri = uri_of("tel:+4930123456");
  const auto location = server_location::of(uri);
  ASSERT_FALSE(location);
  EXPECT_EQ(location.error(), hop_errc::bad_scheme);
}

} // namespace
} // namespace tandem::stack

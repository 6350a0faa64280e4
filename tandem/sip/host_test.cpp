// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/host.hpp>

#include <tandem/base/ip_address.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

/// The address between brackets as hexadecimal digits.
std::string hex(std::string_view ipv6) {
  const std::string reference = "[" + std::string{ipv6} + "]";
  const auto host = host_view::parse(reference);
  if (!host || !host->address().is_v6()) return "none";
  std::string text;
  const auto address = host->address();
  for (const std::uint8_t byte : address.bytes()) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

TEST(ipv4, is_four_numbers_below_256) {
  EXPECT_EQ(host_view::parse("192.0.2.255")->address(), ip_address::v4(192, 0, 2, 255));
  EXPECT_EQ(host_view::parse("0.0.0.0")->address(), ip_address::any_v4());
  for (const std::string_view bad : {"", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5",
                                     "1.2.3.256", "1..2.3", ".1.2.3", "1.2.3.0004"})
    EXPECT_FALSE(host_view::parse(bad)) << bad;
  for (const std::string_view name : {"a.b.c.d", "1.2.3.-4", "1.2.3.4a"})
    EXPECT_EQ(host_view::parse(name)->kind, host_kind::name) << name;
}

TEST(ipv4, with_leading_zeros_is_no_host) {
  for (const std::string_view bad : {"01.2.3.4", "192.0.2.001", "192.00.2.1", "192.0.2.08"}) {
    EXPECT_FALSE(host_view::parse(bad)) << bad;
    EXPECT_EQ(host_view::from_text(bad), std::nullopt) << bad;
    EXPECT_EQ(ip_address::parse(bad), std::nullopt) << bad;
    EXPECT_EQ(hex("::" + std::string{bad}), "none") << bad;
  }
}

TEST(ipv6, is_read_in_every_form_of_rfc4291_2_2) {
  EXPECT_EQ(hex("2001:db8:0:0:8:800:200c:417a"), "20010db80000000000080800200c417a");
  EXPECT_EQ(hex("2001:DB8::8:800:200C:417A"), "20010db80000000000080800200c417a");
  EXPECT_EQ(hex("::"), "00000000000000000000000000000000");
  EXPECT_EQ(hex("::1"), "00000000000000000000000000000001");
  EXPECT_EQ(hex("ff01::"), "ff010000000000000000000000000000");
  EXPECT_EQ(hex("::ffff:129.144.52.38"), "00000000000000000000ffff81903426");
  EXPECT_EQ(hex("::13.1.68.3"), "0000000000000000000000000d014403");
  EXPECT_EQ(hex("1:2:3:4:5:6:7:8"), "00010002000300040005000600070008");
  EXPECT_EQ(hex("1:2:3:4:5:6:1.2.3.4"), "00010002000300040005000601020304");
  EXPECT_EQ(hex("1:2:3:4:5:6:7::"), "00010002000300040005000600070000");
}

TEST(ipv6, may_have_a_third_colon_before_ipv4_rfc5118_4_10) {
  EXPECT_EQ(hex("2001:db8:::192.0.2.1"), hex("2001:db8::192.0.2.1"));
  EXPECT_EQ(hex(":::192.0.2.1"), hex("::192.0.2.1"));
  EXPECT_EQ(hex("2001:db8:::1"), "none");
}

TEST(ipv6, refuses_everything_else) {
  for (const std::string_view bad :
       {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
        "12345::", "g::", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:", ":1",
        "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "1.2.3.4", "::1.2.3.4:5", "[::1]", "fe80::1%eth0"})
    EXPECT_EQ(hex(bad), "none") << bad;
}

TEST(host, keeps_its_text_and_writes_ipv6_in_brackets) {
  const auto host = host_view::parse("[2001:db8::9:1]");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->text, "2001:db8::9:1");
  EXPECT_EQ(to_text(*host), "[2001:db8::9:1]");
  EXPECT_EQ(to_text(*host_view::parse("Example.COM")), "Example.COM");
  EXPECT_EQ(to_text(*host_view::parse("[2001:db8:::192.0.2.1]")), "[2001:db8::192.0.2.1]");
}

TEST(host, reads_ipv6_without_brackets_where_rfc5118_4_5_allows_it) {
  EXPECT_EQ(host_view::from_text("2001:db8::9:255")->kind, host_kind::ipv6);
  EXPECT_EQ(host_view::from_text("[2001:db8::9:255]")->kind, host_kind::ipv6);
  EXPECT_EQ(host_view::from_text("192.0.2.1")->kind, host_kind::ipv4);
  EXPECT_EQ(host_view::from_text("h")->kind, host_kind::name);
  for (const std::string_view bad : {"", "a b", "1.2.3", "::1]", "h:5060", "\"h\""})
    EXPECT_EQ(host_view::from_text(bad), std::nullopt) << bad;
}

TEST(host, compares_names_without_case_and_addresses_by_their_bits) {
  const auto same = [](std::string_view a, std::string_view b) {
    return equivalent(*host_view::from_text(a), *host_view::from_text(b));
  };
  EXPECT_TRUE(same("Example.com", "eXAMPLE.COM"));
  EXPECT_TRUE(same("::1", "[0:0::0001]"));
  EXPECT_TRUE(same("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(same("192.0.2.1", "::ffff:192.0.2.1"));
  EXPECT_FALSE(same("a", "b"));
}

TEST(host_port, has_a_port_only_when_it_is_written) {
  EXPECT_EQ(host_port::parse("h")->port, std::nullopt);
  EXPECT_EQ(host_port::parse("h : 5060")->port, 5060);
  EXPECT_EQ(to_text(*host_port::parse("h : 05060")), "h:5060");
  EXPECT_EQ(to_text(*host_port::parse("[::1]:1")), "[::1]:1");
  EXPECT_FALSE(host_port::parse("h:"));
  EXPECT_FALSE(host_port::parse("::1"));
}

} // namespace
} // namespace tandem::sip

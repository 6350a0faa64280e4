// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/listen_point.hpp>

#include <gtest/gtest.h>

namespace tandem::transport {
namespace {

const std::vector<interface_address> interfaces{
    {"lo", *ip_address::parse("127.0.0.1"), 1},
    {"lo", *ip_address::parse("::1"), 1},
    {"eth0", *ip_address::parse("192.0.2.7"), 2},
    {"eth0", *ip_address::parse("fe80::7"), 2},
};

std::string read(std::string_view text) {
  const auto points = parse_listen_point(text, interfaces);
  if (!points) return "error: " + points.error();
  std::string result;
  for (const auto& p : *points)
    result += std::string{via_token(p.transport)} + " " + p.address.to_string() + "; ";
  return result;
}

TEST(listen_point, reads_addresses_interfaces_and_wildcards) {
  EXPECT_EQ(read("udp:127.0.0.1:5070"), "UDP 127.0.0.1:5070; ");
  EXPECT_EQ(read("TCP:[::1]:5070"), "TCP [::1]:5070; ");
  EXPECT_EQ(read("127.0.0.1"), "UDP 127.0.0.1:5060; TCP 127.0.0.1:5060; ");
  EXPECT_EQ(read("udp:*:5080"), "UDP 0.0.0.0:5080; UDP [::]:5080; ");
  EXPECT_EQ(read("udp:eth0:5060"), "UDP 192.0.2.7:5060; UDP [fe80::7]:5060; ");
  EXPECT_EQ(read("udp:2001:db8::1"), "UDP [2001:db8::1]:5060; ");
  EXPECT_EQ(parse_listen_point("udp:eth0", interfaces)->at(1).address.scope, 2U);
}

TEST(listen_point, takes_no_ipv6_wildcard_on_a_host_without_ipv6) {
  const auto points = parse_listen_point("udp:*", {{"eth0", *ip_address::parse("192.0.2.7"), 2}});
  ASSERT_TRUE(points);
  ASSERT_EQ(points->size(), 1U);
  EXPECT_TRUE(points->front().address.ip.is_v4());
}

TEST(listen_point, looks_up_what_is_no_address_and_no_interface) {
  std::string asked;
  const auto look_up = [&](const std::string& name) -> std::vector<ip_address> {
    asked += name + ' ';
    if (name != "sip.example.com") return {};
    return {*ip_address::parse("192.0.2.7"), *ip_address::parse("::1")};
  };
  const auto points = parse_listen_point("udp:SIP.example.com:5070", interfaces, look_up);
  ASSERT_TRUE(points) << points.error();
  ASSERT_EQ(points->size(), 2U);
  EXPECT_EQ(points->at(0).address.to_string(), "192.0.2.7:5070");
  EXPECT_EQ(points->at(1).address.to_string(), "[::1]:5070");
  EXPECT_EQ(points->at(1).name, "sip.example.com");
  EXPECT_EQ(parse_listen_point("eth0", interfaces, look_up)->front().name, "");
  EXPECT_EQ(parse_listen_point("192.0.2.7", interfaces, look_up)->front().name, "");
  EXPECT_FALSE(parse_listen_point("no.example.com", interfaces, look_up));
  EXPECT_EQ(asked, "sip.example.com no.example.com ");
}

TEST(listen_point, of_a_multicast_group_is_a_datagram_socket) {
  EXPECT_EQ(read("224.0.1.75:5060"), "UDP 224.0.1.75:5060; ");
  EXPECT_EQ(read("tcp:224.0.1.75"),
            "error: 'tcp:224.0.1.75': tcp has no multicast groups, only udp has");
}

TEST(listen_point, says_what_is_wrong) {
  EXPECT_EQ(read("udp:eth1:5060"), "error: 'udp:eth1:5060': 'eth1' is neither an address nor an "
                                   "interface, nor a name that has an address; interfaces that are "
                                   "up: lo, eth0");
  EXPECT_EQ(read("udp:eth0:99999"), "error: 'udp:eth0:99999': '99999' is not a port number");
  EXPECT_EQ(read("sctp:192.0.2.1:5060"),
            "error: 'sctp:192.0.2.1:5060': transport sctp is not there, only udp, tcp and tls");
}

TEST(listen_point, knows_the_loopback_interface_of_this_host) {
  bool found = false;
  for (const auto& i : local_interfaces()) found = found || i.ip.is_loopback();
  EXPECT_TRUE(found);
}

} // namespace
} // namespace tandem::transport

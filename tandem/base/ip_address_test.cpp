// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/ip_address.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unordered_set>

namespace tandem {
namespace {

TEST(ip_address, parses_and_prints_both_families) {
  struct row {
    const char* text;
    const char* printed; ///< null: no address
  };
  for (const row& r : {
           row{"192.0.2.1", "192.0.2.1"},
           row{"0.0.0.0", "0.0.0.0"},
           row{"255.255.255.255", "255.255.255.255"},
           row{"2001:db8::1", "2001:db8::1"},
           row{"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
           row{"[2001:db8::1]", "2001:db8::1"},
           row{"::", "::"},
           row{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
           row{"", nullptr},
           row{"192.0.2", nullptr},
           row{"192.0.2.256", nullptr},
           row{"192.0.2.01", nullptr},
           row{"192.00.2.1", nullptr},
           row{"::ffff:192.0.2.01", nullptr},
           row{"192.0.2.0256", nullptr},
           row{"192.0.2.1.", nullptr},
           row{"192..2.1", nullptr},
           row{"[", nullptr},
           row{"[:]", nullptr},
           row{":", nullptr},
           row{" 192.0.2.1", nullptr},
           row{"[192.0.2.1]", nullptr},
           row{"[::1", nullptr},
           row{"::1%eth0", nullptr},
           row{"2001:db8:::1", nullptr},
           row{"example.com", nullptr},
           row{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", nullptr},
       }) {
    const auto ip = ip_address::parse(r.text);
    ASSERT_EQ(ip.has_value(), r.printed != nullptr) << r.text;
    if (ip) {
      EXPECT_EQ(ip->to_string(), r.printed);
    }
  }
  EXPECT_FALSE(ip_address::parse(std::string_view{"::1\0x", 5}));
}

TEST(ip_address, knows_its_kind) {
  const auto ip = [](const char* text) { return *ip_address::parse(text); };
  EXPECT_TRUE(ip("127.1.2.3").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("128.0.0.1").is_loopback());
  EXPECT_TRUE(ip("224.0.1.75").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_TRUE(ip("0.0.0.0").is_any());
  EXPECT_TRUE(ip("::").is_any());
  EXPECT_FALSE(ip_address{}.is_any());
  EXPECT_TRUE(ip("fe80::1").is_link_local());
  EXPECT_EQ(ip("2001:db8::1").to_uri_host(), "[2001:db8::1]");
}

TEST(ip_prefix, matches_by_bits_and_by_mask) {
  const auto holds = [](const char* prefix, const char* ip) {
    return ip_prefix::parse(prefix)->contains(*ip_address::parse(ip));
  };
  EXPECT_TRUE(holds("192.0.2.0/24", "192.0.2.200"));
  EXPECT_FALSE(holds("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.129"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("192.0.2.0/255.255.255.0", "192.0.2.9"));
  EXPECT_TRUE(holds("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_TRUE(holds("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(ip_prefix::parse("192.0.2.0/33"));
  EXPECT_FALSE(ip_prefix::parse("192.0.2.0/255.0.255.0"));
  EXPECT_FALSE(ip_prefix::parse("192.0.2.0/"));
}

TEST(socket_address, parses_and_prints) {
  EXPECT_EQ(socket_address::parse("1.2.3.4:5060")->to_string(), "1.2.3.4:5060");
  EXPECT_EQ(socket_address::parse("[::1]:65535")->to_string(), "[::1]:65535");
  EXPECT_EQ(socket_address::parse("1.2.3.4", 5060)->port, 5060);
  EXPECT_EQ(socket_address::parse("[2001:db8::1]", 5060)->port, 5060);
  EXPECT_EQ(socket_address::parse("2001:db8::1", 5060)->ip.to_string(), "2001:db8::1");
  for (const char* bad : {"", ":5060", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "[::1]5060",
                          "[::1]:", "[::1", "host:5060"})
    EXPECT_FALSE(socket_address::parse(bad)) << bad;
}

TEST(socket_address, goes_through_the_kernels_form_unchanged) {
  for (const char* text : {"192.0.2.1:5060", "[fe80::1]:5061"}) {
    auto address = *socket_address::parse(text);
    if (address.ip.is_v6()) address.scope = 3;
    sockaddr_storage storage{};
    EXPECT_GT(address.to_sockaddr(storage), 0U);
    EXPECT_EQ(socket_address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage)), address);
  }
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(socket_address::from_sockaddr(reinterpret_cast<sockaddr*>(&storage)));
}

TEST(socket_address, is_a_key_of_tables) {
  std::unordered_set<socket_address> set;
  for (std::uint16_t port = 1; port < 200; ++port) set.insert({ip_address::v4(192, 0, 2, 1), port});
  EXPECT_EQ(set.size(), 199U);
  EXPECT_TRUE(set.contains(*socket_address::parse("192.0.2.1:7")));
  EXPECT_FALSE(set.contains(*socket_address::parse("192.0.2.2:7")));
}

} // namespace
} // namespace tandem

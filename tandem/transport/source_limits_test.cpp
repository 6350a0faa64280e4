// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/source_limits.hpp>

#include <tandem/transport/options.hpp>

#include <gtest/gtest.h>

namespace tandem::transport {
namespace {

const instant start = tandem::now();

ip_address ip(const char* text) { return *ip_address::parse(text); }

/// The `n`-th IPv4 address of 10.0.0.0/8.
ip_address numbered(unsigned n) {
  return ip_address::v4(10, static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                        static_cast<std::uint8_t>(n));
}

TEST(source_limits, fill_again_with_time_and_keep_sources_apart) {
  source_limits limits{2};
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), start));
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), start));
  EXPECT_FALSE(limits.admit(ip("192.0.2.1"), start));
  EXPECT_TRUE(limits.admit(ip("192.0.2.2"), start));
  EXPECT_TRUE(limits.admit(ip("192.0.2.1"), start + milliseconds{501}));
  EXPECT_FALSE(limits.admit(ip("192.0.2.1"), start + milliseconds{502}));
}

TEST(source_limits, of_zero_bound_nobody) {
  source_limits none{0};
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(none.admit(ip("192.0.2.1"), start));
  EXPECT_EQ(none.size(), 0U);
}

// docs/server.md
TEST(source_limits, at_the_default_never_refuse_an_office_of_a_thousand_phones_behind_one_address) {
  source_limits limits{overload_options{}.requests_per_source};
  constexpr int phones = 1'000;
  instant now = start;
  unsigned refused = 0;
  const auto send = [&](int requests, duration within) {
    for (int i = 0; i < requests; ++i) {
      now += within / requests;
      refused += limits.admit(ip("192.0.2.1"), now) ? 0 : 1;
    }
  };
  send(2 * phones, seconds{2}); // the power returns: all register, and again with a password
  send(60 * 120, seconds{60});  // a busy hour
  EXPECT_EQ(refused, 0U);
}

TEST(source_limits, count_an_ipv6_source_by_its_64_bit_network) {
  source_limits limits{2};
  EXPECT_TRUE(limits.admit(ip("2001:db8:0:1::1"), start));
  EXPECT_TRUE(limits.admit(ip("2001:db8:0:1:ffff::2"), start));
  EXPECT_FALSE(limits.admit(ip("2001:db8:0:1:1:2:3:4"), start));
  EXPECT_TRUE(limits.admit(ip("2001:db8:0:2::1"), start));
  EXPECT_EQ(limits.size(), 2U);
}

TEST(source_limits, count_an_ipv4_source_that_ipv6_maps_as_itself) {
  source_limits limits{1};
  EXPECT_TRUE(limits.admit(ip("::ffff:192.0.2.1"), start));
  EXPECT_TRUE(limits.admit(ip("::ffff:192.0.2.2"), start));
  EXPECT_FALSE(limits.admit(ip("192.0.2.1"), start));
}

TEST(source_limits, of_a_full_table_forget_the_oldest_and_forgive_nobody_else) {
  constexpr unsigned bound = 100;
  source_limits limits{1, bound};
  for (unsigned n = 0; n < bound; ++n) EXPECT_TRUE(limits.admit(numbered(n), start));
  EXPECT_FALSE(limits.admit(numbered(0), start)); // heard again: no longer the oldest
  EXPECT_TRUE(limits.admit(numbered(bound), start));
  EXPECT_EQ(limits.size(), bound);
  EXPECT_FALSE(limits.admit(numbered(0), start));
  for (unsigned n = 2; n < bound; ++n) EXPECT_FALSE(limits.admit(numbered(n), start)) << n;
  EXPECT_TRUE(limits.admit(numbered(1), start)); // it was the oldest
}

} // namespace
} // namespace tandem::transport

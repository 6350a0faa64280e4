// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/token_buckets.hpp>

#include <gtest/gtest.h>

namespace tandem {
namespace {

const instant first_moment{};
constexpr bucket_rate slow{.a_second = 10, .full = 100};

ip_address ip(const char* text) { return *ip_address::parse(text); }

TEST(token_buckets, give_what_they_have_whole_or_not_at_all) {
  token_buckets all{4};
  EXPECT_EQ(all.tokens(ip("192.0.2.1"), slow, first_moment), 100);
  EXPECT_FALSE(all.take(ip("192.0.2.1"), 101, slow, first_moment));
  EXPECT_TRUE(all.take(ip("192.0.2.1"), 60, slow, first_moment));
  EXPECT_FALSE(all.take(ip("192.0.2.1"), 41, slow, first_moment));
  EXPECT_TRUE(all.take(ip("192.0.2.1"), 40, slow, first_moment));
  EXPECT_TRUE(all.take(ip("192.0.2.2"), 100, slow, first_moment));
}

TEST(token_buckets, fill_again_with_time_and_never_over_the_brim) {
  token_buckets all{4};
  EXPECT_TRUE(all.take(ip("192.0.2.1"), 100, slow, first_moment));
  EXPECT_EQ(all.tokens(ip("192.0.2.1"), slow, first_moment + seconds{3}), 30);
  EXPECT_EQ(all.tokens(ip("192.0.2.1"), slow, first_moment + seconds{60}), 100);
}

TEST(token_buckets, of_a_full_table_forget_the_one_that_was_asked_for_longest_ago) {
  token_buckets all{2};
  EXPECT_TRUE(all.take(ip("192.0.2.1"), 100, slow, first_moment));
  EXPECT_TRUE(all.take(ip("192.0.2.2"), 100, slow, first_moment));
  EXPECT_EQ(all.tokens(ip("192.0.2.1"), slow, first_moment), 0);
  EXPECT_TRUE(all.take(ip("192.0.2.3"), 100, slow, first_moment));
  EXPECT_EQ(all.size(), 2U);
  EXPECT_EQ(all.tokens(ip("192.0.2.1"), slow, first_moment), 0);
  EXPECT_EQ(all.tokens(ip("192.0.2.2"), slow, first_moment), 100) << "it made room";
}

} // namespace
} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/nonce_counts.hpp>

#include <gtest/gtest.h>

namespace tandem::stack {
namespace {

using enum nonce_counts::use;

TEST(nonce_counts, are_rounded_up_to_whole_sets) {
  EXPECT_EQ(nonce_counts{0}.capacity(), nonce_counts::in_a_set);
  EXPECT_EQ(nonce_counts{9}.capacity(), 2 * nonce_counts::in_a_set);
}

// Requests of one phone may overtake each other from the first on.
TEST(nonce_counts, below_a_first_count_above_one_are_had_as_far_as_the_window_reaches) {
  nonce_counts counts{8};
  EXPECT_EQ(counts.note(1, 10, 0, 3), first);
  EXPECT_EQ(counts.note(1, 10, 0, 3), repeated);
  EXPECT_EQ(counts.note(1, 10, 0, 1), first);
  EXPECT_EQ(counts.note(1, 10, 0, 2), first);
  EXPECT_EQ(counts.note(1, 10, 0, 1), repeated);
  EXPECT_EQ(counts.note(2, 10, 0, 64), first);
  EXPECT_EQ(counts.note(2, 10, 0, 1), first) << "63 below the highest";
  EXPECT_EQ(counts.note(3, 10, 0, 65), first);
  EXPECT_EQ(counts.note(3, 10, 0, 1), repeated) << "64 below it nobody knows any more";
}

TEST(nonce_counts, of_zero_and_of_expired_nonces_are_had_by_nobody) {
  nonce_counts counts{8};
  EXPECT_EQ(counts.note(1, 10, 0, 0), repeated);
  EXPECT_EQ(counts.note(1, 10, 10, 1), repeated);
  EXPECT_EQ(counts.note(1, 10, 9, 1), first);
}

TEST(nonce_counts, tell_how_many_nonces_had_to_go_before_their_time) {
  nonce_counts counts{8};
  for (std::int64_t i = 1; i <= 8; ++i)
    EXPECT_EQ(counts.note(static_cast<std::uint64_t>(i), 10 + i, 0, 1), first);
  EXPECT_EQ(counts.dropped(), 0u);
  EXPECT_EQ(counts.note(9, 30, 11, 1), first) << "in the place of one that has expired";
  EXPECT_EQ(counts.dropped(), 0u);
  EXPECT_EQ(counts.note(10, 40, 11, 1), first);
  EXPECT_EQ(counts.dropped(), 1u);
  EXPECT_EQ(counts.note(11, 12, 11, 1), repeated) << "older than all: it goes itself";
  EXPECT_EQ(counts.note(2, 12, 11, 2), repeated) << "it was dropped";
}

} // namespace
} // namespace tandem::stack

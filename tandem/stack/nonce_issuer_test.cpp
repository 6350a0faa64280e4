// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/nonce_issuer.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tandem::stack {
namespace {

constexpr instant issued_at{seconds{1'000'000}};

std::string make_nonce(const nonce_issuer& by, const nonce_issuer::purpose& of = {.realm = "r"},
                       instant now = issued_at) {
  const auto made = by.make(of, now);
  EXPECT_TRUE(made);
  return made ? std::string{made->begin(), made->end()} : std::string{};
}

TEST(nonces, are_each_different_and_read_again_with_what_they_were_made_for_rfc7616_3_3) {
  const nonce_issuer by;
  std::set<std::string> seen;
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(seen.insert(make_nonce(by)).second);
  for (const auto offer :
       {qop_offer::none, qop_offer::auth, qop_offer::auth_int, qop_offer::auth_or_auth_int}) {
    const auto read = by.read(make_nonce(by, {.realm = "r", .offer = offer}), "r", "", issued_at);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->offer, offer);
  }
}

TEST(nonces, are_no_good_for_another_realm_source_or_process) {
  const nonce_issuer by;
  const std::string bound = make_nonce(by, {.realm = "r", .source = "192.0.2.1"});
  EXPECT_TRUE(by.read(bound, "r", "192.0.2.1", issued_at));
  EXPECT_FALSE(by.read(bound, "r", "192.0.2.2", issued_at));
  EXPECT_FALSE(by.read(bound, "r", "", issued_at));
  EXPECT_FALSE(by.read(bound, "r1", "92.0.2.1", issued_at)) << "parts do not run together";
  EXPECT_FALSE(by.read(make_nonce(by), "s", "", issued_at));
  const nonce_issuer other;
  EXPECT_FALSE(other.read(bound, "r", "192.0.2.1", issued_at));
}

TEST(nonces, end_with_their_lifetime) {
  const nonce_issuer by{{.lifetime = seconds{300}}};
  const std::string nonce = make_nonce(by);
  EXPECT_TRUE(by.read(nonce, "r", "", issued_at + milliseconds{299'999}));
  EXPECT_FALSE(by.read(nonce, "r", "", issued_at + seconds{300}));
  EXPECT_TRUE(by.read(nonce, "r", "", issued_at - milliseconds{20})) << "of a shard that is ahead";
}

// A nonce shows a moment in clear; nobody learns from it for how long the host is up.
TEST(nonces, tell_nobody_the_clock_of_the_host) {
  const nonce_issuer one;
  const nonce_issuer other;
  EXPECT_NE(one.read(make_nonce(one), "r", "", issued_at)->issued,
            other.read(make_nonce(other), "r", "", issued_at)->issued);
}

TEST(nonces, that_were_dropped_stay_so_when_their_lifetime_grows) {
  nonce_issuer by{{.lifetime = seconds{300}, .most_counted = 8}};
  const auto old = *by.read(make_nonce(by), "r", "", issued_at);
  EXPECT_TRUE(by.take(old, 1, issued_at));
  by.set_lifetime(seconds{10});
  const instant later = issued_at + seconds{11};
  EXPECT_FALSE(by.take(old, 2, later)) << "too old now";
  EXPECT_TRUE(by.take(*by.read(make_nonce(by, {.realm = "r"}, later), "r", "", later), 1, later));
  by.set_lifetime(seconds{3'600});
  EXPECT_FALSE(by.take(old, 1, later));
  EXPECT_FALSE(by.take(old, 2, later)) << "nor the next one: it was forgotten";
}

TEST(nonces, with_any_digit_changed_or_missing_are_not_ours) {
  const nonce_issuer by;
  const std::string good = make_nonce(by);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string other = good;
    other[i] = other[i] == '0' ? '1' : '0';
    EXPECT_FALSE(by.read(other, "r", "", issued_at)) << i;
    EXPECT_FALSE(by.read(good.substr(0, i), "r", "", issued_at)) << i;
  }
  EXPECT_FALSE(by.read(good + "00", "r", "", issued_at));
  EXPECT_FALSE(by.read(std::string(1'000'000, 'a'), "r", "", issued_at));
}

TEST(nonces, give_each_count_once_rfc7616_3_4) {
  nonce_issuer by;
  const auto ticket = *by.read(make_nonce(by), "r", "", issued_at);
  EXPECT_FALSE(by.take(ticket, 0, issued_at));
  for (std::uint32_t count = 1; count <= 1'000; ++count) {
    EXPECT_TRUE(by.take(ticket, count, issued_at)) << count;
    EXPECT_FALSE(by.take(ticket, count, issued_at)) << count;
  }
}

TEST(nonces, let_counts_overtake_each_other_within_a_window_of_64) {
  nonce_issuer by;
  const auto ticket = *by.read(make_nonce(by), "r", "", issued_at);
  EXPECT_TRUE(by.take(ticket, 100, issued_at));
  EXPECT_TRUE(by.take(ticket, 37, issued_at));
  EXPECT_FALSE(by.take(ticket, 36, issued_at)) << "below the window nobody knows any more";
  EXPECT_FALSE(by.take(ticket, 37, issued_at));
  EXPECT_TRUE(by.take(ticket, 99, issued_at));
  EXPECT_TRUE(by.take(ticket, 0xffff'ffffu, issued_at));
  EXPECT_FALSE(by.take(ticket, 100, issued_at));
  EXPECT_FALSE(by.take(ticket, 0xffff'ffffu, issued_at));
}

// An attacker with an account of his own may use as many nonces as he likes.
TEST(nonces, that_were_forgotten_are_never_new_again) {
  nonce_issuer by{{.lifetime = seconds{300}, .most_counted = 64}};
  std::vector<nonce_issuer::ticket> used;
  for (int i = 0; i < 5'000; ++i) {
    const instant now = issued_at + milliseconds{i};
    used.push_back(*by.read(make_nonce(by, {.realm = "r"}, now), "r", "", now));
    EXPECT_TRUE(by.take(used.back(), 1, now)) << i;
  }
  for (const auto& ticket : used) EXPECT_FALSE(by.take(ticket, 1, issued_at + seconds{5}));
  // Those that are still counted go on.
  EXPECT_TRUE(by.take(used.back(), 2, issued_at + seconds{5}));
}

TEST(nonces, of_one_moment_beyond_the_bound_are_refused_and_none_is_taken_twice) {
  nonce_issuer by{{.lifetime = seconds{300}, .most_counted = 8}};
  std::vector<nonce_issuer::ticket> all;
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    all.push_back(*by.read(make_nonce(by), "r", "", issued_at));
    taken += by.take(all.back(), 1, issued_at) ? 1 : 0;
  }
  EXPECT_EQ(taken, nonce_counts::in_a_set);
  for (const auto& ticket : all) EXPECT_FALSE(by.take(ticket, 1, issued_at));
}

TEST(nonces, that_have_expired_make_room) {
  nonce_issuer by{{.lifetime = seconds{300}, .most_counted = 8}};
  for (int round = 0; round < 10; ++round) {
    const instant now = issued_at + round * seconds{301};
    for (std::size_t i = 0; i < nonce_counts::in_a_set; ++i)
      EXPECT_TRUE(by.take(*by.read(make_nonce(by, {.realm = "r"}, now), "r", "", now), 1, now));
  }
}

TEST(nonces, that_one_shard_dropped_are_not_new_to_one_whose_clock_is_behind) {
  nonce_issuer by{{.lifetime = seconds{300}, .most_counted = 8}};
  const auto old = *by.read(make_nonce(by), "r", "", issued_at);
  EXPECT_TRUE(by.take(old, 1, issued_at));
  const instant ahead = issued_at + seconds{300};
  EXPECT_TRUE(by.take(*by.read(make_nonce(by, {.realm = "r"}, ahead), "r", "", ahead), 1, ahead));
  EXPECT_FALSE(by.take(old, 1, ahead - milliseconds{1}));
}

// A replay goes to another shard when its Call-ID is changed, which the response does not cover.
TEST(nonces, give_each_count_to_one_of_all_shards) {
  nonce_issuer by;
  const auto ticket = *by.read(make_nonce(by), "r", "", issued_at);
  constexpr std::uint32_t most = 20'000;
  std::array<std::vector<std::uint32_t>, 2> got;
  const auto shard = [&](std::size_t i) {
    for (std::uint32_t count = 1; count <= most; ++count)
      if (by.take(ticket, count, issued_at)) got[i].push_back(count);
  };
  std::thread other{[&] { shard(1); }};
  shard(0);
  other.join();
  std::set<std::uint32_t> all{got[0].begin(), got[0].end()};
  for (const std::uint32_t count : got[1]) EXPECT_TRUE(all.insert(count).second) << count;
  EXPECT_TRUE(all.contains(most));
}

} // namespace
} // namespace tandem::stack

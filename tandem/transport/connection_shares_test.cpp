// SPDX-License-Identifier: Apache-2.0
#include <tandem/transport/connection_shares.hpp>

#include <deque>
#include <gtest/gtest.h>
#include <memory>

namespace tandem::transport {
namespace {

using place = connection_shares::place;

const ip_address stranger = *ip_address::parse("192.0.2.1");
const ip_address office = *ip_address::parse("192.0.2.2");
const ip_address newcomer = *ip_address::parse("192.0.2.3");

struct shares_of_sources : testing::Test {
  place& enter(const ip_address& from) {
    now += seconds{1};
    shares.enter(places.emplace_back(), from, now);
    return places.back();
  }

  place* give_up(const ip_address& wanting, std::size_t hog = 1) {
    return shares.to_give_up(wanting, now, hog);
  }

  connection_shares shares;
  std::deque<place> places;
  instant now{};
};

TEST_F(shares_of_sources, the_source_with_most_connections_gives_up_the_longest_idle_one) {
  enter(office);
  place& first = enter(stranger);
  place& second = enter(stranger);
  now += seconds{200};
  EXPECT_EQ(give_up(newcomer), &first);
  shares.use(first, now);
  EXPECT_EQ(give_up(newcomer), &second);
}

TEST_F(shares_of_sources, nobody_makes_room_for_a_source_that_has_as_many_as_any) {
  EXPECT_EQ(give_up(newcomer), nullptr) << "there is none";
  enter(stranger);
  enter(stranger);
  EXPECT_EQ(give_up(stranger), nullptr);
  enter(office);
  EXPECT_EQ(give_up(office), nullptr) << "they would only change places";
  enter(stranger);
  EXPECT_NE(give_up(office), nullptr);
}

TEST_F(shares_of_sources, who_has_one_connection_keeps_it) {
  for (std::uint8_t host = 1; host <= 20; ++host) enter(ip_address::v4(198, 51, 100, host));
  EXPECT_EQ(give_up(newcomer), nullptr);
}

TEST_F(shares_of_sources, phones_of_an_office_are_not_taken_for_many_strangers) {
  for (int i = 0; i < 3; ++i) shares.bind(enter(office), now + seconds{60});
  EXPECT_EQ(give_up(newcomer, 4), nullptr);
  EXPECT_NE(give_up(newcomer, 3), nullptr) << "of who has very many one goes";
}

TEST_F(shares_of_sources, what_a_registration_or_a_transaction_depends_on_goes_last) {
  place& bound = enter(stranger);
  place& busy = enter(stranger);
  place& idle = enter(stranger);
  now += seconds{200};
  shares.bind(bound, now + seconds{60});
  shares.use(busy, now);
  EXPECT_EQ(give_up(newcomer), &idle);
  shares.use(idle, now);
  EXPECT_EQ(give_up(newcomer), &bound) << "whoever was used now may be asking";
  now += seconds{1};
  EXPECT_EQ(give_up(newcomer), &busy) << "of those in use the longest idle";
  shares.bind(busy, now + seconds{60});
  shares.bind(idle, now + seconds{60});
  EXPECT_EQ(give_up(newcomer), &bound) << "one goes all the same";
  shares.use(busy, now);
  shares.use(idle, now);
  now += seconds{61};
  EXPECT_EQ(give_up(newcomer), &bound) << "its registration has ended";
}

TEST_F(shares_of_sources, a_source_is_forgotten_with_its_last_connection) {
  auto one = std::make_unique<place>();
  shares.enter(*one, stranger, now);
  enter(office);
  EXPECT_EQ(shares.of(stranger), 1U);
  EXPECT_EQ(shares.sources(), 2U);
  one.reset();
  EXPECT_EQ(shares.of(stranger), 0U);
  EXPECT_EQ(shares.sources(), 1U);
}

} // namespace
} // namespace tandem::transport

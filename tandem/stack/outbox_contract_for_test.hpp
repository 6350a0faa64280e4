// SPDX-License-Identifier: Apache-2.0
// What every outbox promises, as tests: include it in the test of one and instantiate it there. The
// machines rely on each of these; a double that is kinder than the real one hides their faults.
#pragma once

#include <tandem/stack/outbox.hpp>

#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tandem::stack::for_test {

/// An outbox with a world behind it.
class outbox_world {
 public:
  virtual ~outbox_world() = default;

  [[nodiscard]] virtual outbox& out() = 0;
  /// Somebody who takes datagrams, and notes them.
  [[nodiscard]] virtual target somebody() = 0;
  /// What has arrived there, in order.
  [[nodiscard]] virtual std::vector<std::string> arrived() = 0;
  /// Places to which every send fails, by datagram and by stream.
  [[nodiscard]] virtual std::vector<target> nowhere() = 0;
  /// Does this on the thread of the outbox in one turn, then lets turns pass until `done`.
  virtual void turn(const std::function<void()>& what, const std::function<bool()>& done) = 0;
  /// From now on no buffer takes a datagram, or one of `size` bytes at least. False when this
  /// cannot be brought about here.
  [[nodiscard]] virtual bool fill_buffers(std::size_t size) = 0;
  [[nodiscard]] virtual std::size_t lost() = 0;

  /// Told by the outbox.
  std::function<void(origin, send_error)> on_failed;
};

class every_outbox : public ::testing::TestWithParam<std::unique_ptr<outbox_world> (*)()> {
 protected:
  /// More than any queue of a turn holds.
  static constexpr std::uint32_t many = 300;

  static origin numbered(std::uint32_t n) { return {n, 1, origin::kind::client}; }
};

TEST_P(every_outbox, tells_failures_after_the_turn_and_never_from_inside_send) {
  const auto world = GetParam()();
  for (const target& to : world->nowhere()) {
    SCOPED_TRACE(std::string{via_token(to.transport)} + " " + to.address.to_string());
    bool is_sending = false;
    std::vector<std::uint32_t> told;
    world->on_failed = [&](origin of, send_error) {
      EXPECT_FALSE(is_sending);
      told.push_back(of.slot);
    };
    world->turn(
        [&] {
          is_sending = true;
          for (std::uint32_t n = 0; n < many; ++n)
            world->out().send(to, wire_message::copy_of("nobody gets this"), numbered(n));
          is_sending = false;
        },
        [&] { return told.size() >= many; });
    ASSERT_EQ(told.size(), many) << "each failure is told, and once";
    for (std::uint32_t n = 0; n < many; ++n) EXPECT_EQ(told[n], n) << "in the order of the sends";
  }
}

TEST_P(every_outbox, lets_who_hears_of_a_failure_send_again) {
  const auto world = GetParam()();
  for (const target& to : world->nowhere()) {
    SCOPED_TRACE(std::string{via_token(to.transport)} + " " + to.address.to_string());
    constexpr std::uint32_t rounds = 5;
    std::uint32_t told = 0;
    int depth = 0;
    world->on_failed = [&](origin of, send_error) {
      EXPECT_EQ(depth, 0) << "a failure was told from inside of another";
      ++depth;
      if (++told % many == 0 && told < rounds * many)
        for (std::uint32_t n = 0; n < many; ++n)
          world->out().send(to, wire_message::copy_of("another one"), of);
      --depth;
    };
    world->turn(
        [&] {
          for (std::uint32_t n = 0; n < many; ++n)
            world->out().send(to, wire_message::copy_of("the first"), numbered(n));
        },
        [&] { return told >= rounds * many; });
    EXPECT_EQ(told, rounds * many);
  }
}

TEST_P(every_outbox, carries_hundreds_of_messages_of_one_turn_in_order_between_failing_ones) {
  const auto world = GetParam()();
  std::uint32_t told = 0;
  world->on_failed = [&](origin, send_error) { ++told; };
  const target to = world->somebody();
  const target nowhere = world->nowhere().front();
  world->turn(
      [&] {
        for (std::uint32_t n = 0; n < many; ++n) {
          world->out().send(to, wire_message::copy_of(std::to_string(n)), numbered(n));
          world->out().send(nowhere, wire_message::copy_of("nobody gets this"), numbered(n));
        }
      },
      [&] { return told == many && world->arrived().size() == many; });
  EXPECT_EQ(told, many);
  const auto arrived = world->arrived();
  ASSERT_EQ(arrived.size(), many);
  for (std::uint32_t n = 0; n < many; ++n) EXPECT_EQ(arrived[n], std::to_string(n));
}

TEST_P(every_outbox, drops_the_failures_of_what_was_sent_for_nobody) {
  const auto world = GetParam()();
  std::uint32_t told = 0;
  world->on_failed = [&](origin of, send_error) {
    EXPECT_EQ(of, numbered(7));
    ++told;
  };
  for (const target& to : world->nowhere()) {
    told = 0;
    world->turn(
        [&] {
          world->out().send(to, wire_message::copy_of("stateless"), {});
          world->out().send(to, wire_message::copy_of("for somebody"), numbered(7));
        },
        [&] { return told == 1; });
    EXPECT_EQ(told, 1U);
  }
}

// Timers A, E and G are there for a lost datagram (RFC 3261 17.1.1.2); it says nothing of the peer.
TEST_P(every_outbox, loses_a_datagram_that_no_buffer_has_room_for_and_tells_no_failure) {
  const auto world = GetParam()();
  constexpr std::size_t size = 60'000;
  if (!world->fill_buffers(size)) GTEST_SKIP() << "needs a network of its own (root)";
  world->on_failed = [&](origin, send_error) { FAIL() << "a lost datagram is not a failure"; };
  const target to = world->somebody();
  const std::size_t arrived = world->arrived().size();
  world->turn(
      [&] {
        for (std::uint32_t n = 0; n < 3; ++n)
          world->out().send(to, wire_message::copy_of(std::string(size, 'x')), numbered(n));
      },
      [&] { return world->lost() == 3; });
  EXPECT_EQ(world->lost(), 3U);
  EXPECT_EQ(world->arrived().size(), arrived);
}

} // namespace tandem::stack::for_test

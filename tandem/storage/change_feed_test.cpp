// SPDX-License-Identifier: Apache-2.0
// What consumers of a location table's changes can count on, each line of the contract.
#include <tandem/storage/location.hpp>

#include <atomic>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tandem::storage {
namespace {

constexpr instant beginning{seconds{1000}};

/// Writes down what it hears: "added alice sip:1 | ...".
struct recording_consumer final : change_consumer {
  bool wants_changes() const noexcept override { return is_interested; }
  void on_changes(std::string_view table, const change_set& changes, instant) noexcept override {
    EXPECT_EQ(table, "location");
    changes.for_each([&](const binding_change& c) {
      constexpr const char* names[]{"added", "refreshed", "removed", "expired"};
      const std::lock_guard lock{mutex};
      if (!heard.empty()) heard += " | ";
      heard += names[static_cast<std::size_t>(c.kind)];
      heard.append(" ").append(c.aor).append(" ").append(c.value.contact);
      std::uint64_t& last_of_user = last[std::string{c.aor}];
      EXPECT_GT(c.sequence, last_of_user) << c.aor;
      last_of_user = c.sequence;
      ++count;
    });
    if (on_heard) on_heard();
  }
  void on_lost(std::string_view, std::uint64_t changes) noexcept override { lost += changes; }

  std::string taken() { return std::exchange(heard, {}); }

  bool is_interested = true;
  std::function<void()> on_heard;
  std::mutex mutex;
  std::string heard;
  std::map<std::string, std::uint64_t> last; ///< sequence of each address of record
  std::uint64_t count = 0;
  std::atomic<std::uint64_t> lost = 0;
};

class change_feed_of_a_table : public ::testing::Test {
 protected:
  change_feed_of_a_table() { feed.subscribe(consumer); }

  /// Registers a contact, or the same one again.
  result<void, location_errc> put(std::string_view aor, std::string_view uri, duration lives) {
    sip::binding b;
    b.contact = uri;
    b.call_id = "c";
    b.expires = beginning + lives;
    b.received = *socket_address::parse("192.0.2.1:5060");
    return table.update(aor, beginning,
                        [&](std::span<const sip::binding> all, sip::binding_edits& edits) {
                          sip::binding_edit e{.old = {}, .put = &b};
                          for (std::size_t i = 0; i < all.size(); ++i)
                            if (all[i].contact == uri) e.old = i;
                          edits.push_back(e);
                          return true;
                        });
  }
  void clear(std::string_view aor) {
    ASSERT_TRUE(table.update(aor, beginning,
                             [&](std::span<const sip::binding> all, sip::binding_edits& edits) {
                               for (std::size_t i = 0; i < all.size(); ++i)
                                 edits.push_back({.old = i, .put = nullptr});
                               return true;
                             }));
  }

  recording_consumer consumer;
  change_feed feed;
  location_table table{"location", {.per_record = 3, .bytes_per_source = 0}, beginning, &feed};
};

TEST_F(change_feed_of_a_table, tells_what_an_update_changed_in_order_and_of_a_refused_one_nothing) {
  ASSERT_TRUE(put("alice", "sip:1", seconds{9}));
  ASSERT_TRUE(put("alice", "sip:2", seconds{90}));
  ASSERT_TRUE(put("alice", "sip:1", seconds{8}));
  EXPECT_EQ(consumer.taken(), "added alice sip:1 | added alice sip:2 | refreshed alice sip:1");
  EXPECT_EQ(table.expire(beginning + seconds{10}), 1U);
  EXPECT_EQ(consumer.taken(), "expired alice sip:1");
  clear("alice");
  EXPECT_EQ(consumer.taken(), "removed alice sip:2");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(put("bob", "sip:" + std::to_string(i), seconds{9}));
  consumer.taken();
  EXPECT_FALSE(put("bob", "sip:4", seconds{9}));
  EXPECT_EQ(consumer.taken(), "");
  EXPECT_EQ(consumer.lost, 0U);
}

TEST_F(change_feed_of_a_table, keeps_nothing_for_consumers_that_do_not_want_to_hear) {
  consumer.is_interested = false;
  ASSERT_TRUE(put("alice", "sip:1", seconds{9}));
  consumer.is_interested = true;
  ASSERT_TRUE(put("alice", "sip:2", seconds{9}));
  EXPECT_EQ(consumer.taken(), "added alice sip:2");
  EXPECT_EQ(consumer.lost, 0U);
}

TEST_F(change_feed_of_a_table, every_consumer_hears_all) {
  recording_consumer second;
  feed.subscribe(second);
  ASSERT_TRUE(put("alice", "sip:1", seconds{9}));
  EXPECT_EQ(consumer.taken(), "added alice sip:1");
  EXPECT_EQ(second.taken(), "added alice sip:1");
}

// The mutex of the table is free, and what a consumer changes is told when it has returned.
TEST_F(change_feed_of_a_table, a_consumer_may_look_up_and_change_what_it_hears_of) {
  unsigned depth = 0;
  unsigned calls = 0;
  consumer.on_heard = [&] {
    EXPECT_EQ(++depth, 1U);
    if (++calls == 1) {
      EXPECT_TRUE(table.lookup("alice", beginning, [](auto&&) {}));
      EXPECT_TRUE(put("alice", "sip:2", seconds{9}));
      EXPECT_EQ(consumer.heard, "added alice sip:1");
    }
    --depth;
  };
  ASSERT_TRUE(put("alice", "sip:1", seconds{9}));
  EXPECT_EQ(calls, 2U);
  EXPECT_EQ(consumer.taken(), "added alice sip:1 | added alice sip:2");
}

// Changes that come while a consumer is slow wait up to a bound in bytes; the others are counted.
TEST_F(change_feed_of_a_table, what_a_slow_consumer_keeps_waiting_is_bounded_and_losses_are_told) {
  const std::string uri = "sip:" + std::string(1'000, 'x');
  std::uint64_t made = 1;
  bool is_slow = true;
  consumer.on_heard = [&] {
    if (!std::exchange(is_slow, false)) return;
    // One call takes as long as this; nothing of it can be told before it returns.
    for (; made < 2'000; ++made) EXPECT_TRUE(put("alice", uri, seconds{9}));
  };
  ASSERT_TRUE(put("alice", uri, seconds{9}));
  EXPECT_EQ(consumer.count + consumer.lost, made);
  EXPECT_GT(consumer.count, 200U);
  EXPECT_LT(consumer.count, 300U) << "some 256 KiB";
  ASSERT_TRUE(put("alice", "sip:next", seconds{9}));
  EXPECT_TRUE(consumer.heard.ends_with(" | added alice sip:next")) << "it goes on";
}

TEST_F(change_feed_of_a_table, what_expires_all_at_once_is_bounded_too) {
  const std::string uri = "sip:" + std::string(1'000, 'x');
  constexpr unsigned users = 40'000; // of which a stripe has some 600
  for (unsigned i = 0; i < users; ++i) ASSERT_TRUE(put(std::to_string(i), uri, seconds{9}));
  consumer.count = 0;
  EXPECT_EQ(table.expire(beginning + seconds{10}), users);
  EXPECT_EQ(consumer.count + consumer.lost, users);
  EXPECT_GT(consumer.lost, 0U);
}

TEST_F(change_feed_of_a_table,
       threads_that_change_one_user_are_heard_in_the_order_of_their_changes) {
  constexpr int rounds = 5'000;
  const auto writer = [&](const char* uri) {
    for (int i = 0; i < rounds; ++i) {
      EXPECT_TRUE(put("alice", uri, seconds{9}));
      if (i % 5 == 0) clear("alice");
    }
  };
  std::thread other{[&] { writer("sip:1"); }};
  writer("sip:2");
  other.join();
  EXPECT_GE(consumer.count + consumer.lost, 2U * rounds);
}

} // namespace
} // namespace tandem::storage

// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location.hpp>

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>
#include <thread>

namespace tandem::storage {
namespace {

constexpr instant start{seconds{1000}};

binding_data contact(std::string_view uri, instant expires, std::uint16_t q = 0) {
  return {.contact = uri, .call_id = "c", .cseq = 1, .q = q, .expires = expires, .modified = start};
}

std::vector<std::string> contacts_of(const location_table& table, std::string_view aor,
                                     instant now) {
  std::vector<std::string> found;
  table.lookup(aor, [&](const record& r) {
    r.for_each(now, [&](const binding& b) { found.emplace_back(b.contact()); });
  });
  return found;
}

class location : public testing::Test {
 protected:
  location_table table{"location", {.bindings = 100, .per_record = 3}, start};

  void add(std::string_view aor, std::string_view uri, instant expires) {
    table.update(aor, [&](record& r) { r.put(contact(uri, expires)); });
  }
};

TEST_F(location, pages_of_the_table_meet_each_record_that_stays_once) {
  location_table large{"location", {}, start};
  const auto add_to_large = [&](int i) {
    large.update(fmt::format("user{}", i),
                 [&](record& r) { r.put(contact("sip:a@192.0.2.1", start + seconds{60})); });
  };
  for (int i = 0; i < 500; ++i) add_to_large(i);
  for (const std::size_t most :
       {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    std::map<std::string, int> met;
    std::size_t largest = 0;
    std::optional<location_table::position> at = location_table::position{};
    for (int page = 0; at; ++page) {
      ASSERT_LT(page, 2000);
      std::size_t size = 0;
      at = large.for_page(*at, most, [&](const record& r) {
        ++met[std::string{r.aor()}];
        ++size;
      });
      largest = std::max(largest, size);
      add_to_large(1000 + page); // others come meanwhile
      large.update(fmt::format("user{}", 1000 + page), [](record& r) { r.clear(); });
    }
    for (int i = 0; i < 500; ++i) EXPECT_EQ(met[fmt::format("user{}", i)], 1) << most;
    EXPECT_LE(largest, std::max<std::size_t>(most, 1));
  }
  EXPECT_FALSE(large.for_page({9999, 0}, 1, [](const record&) { FAIL(); }));
}

TEST_F(location, a_record_keeps_its_contacts_in_order_and_every_text_of_them) {
  table.update("alice", [](record& r) {
    r.put({.contact = "sip:a@192.0.2.1",
           .path = "<sip:edge;lr>",
           .call_id = "id-1",
           .user_agent = "phone 1.0",
           .cseq = 7,
           .q = 500,
           .flags = 3,
           .expires = start + seconds{60},
           .modified = start});
    r.put(contact("sip:a@192.0.2.2", start + seconds{60}));
  });
  table.lookup("alice", [](const record& r) {
    const binding* b = r.find(start, [](const binding& one) { return one.q() == 500; });
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(b->contact(), "sip:a@192.0.2.1");
    EXPECT_EQ(b->path(), "<sip:edge;lr>");
    EXPECT_EQ(b->call_id(), "id-1");
    EXPECT_EQ(b->user_agent(), "phone 1.0");
    EXPECT_EQ(b->cseq(), 7U);
    EXPECT_EQ(b->flags(), 3);
  });
  EXPECT_EQ(contacts_of(table, "alice", start),
            (std::vector<std::string>{"sip:a@192.0.2.1", "sip:a@192.0.2.2"}));
}

TEST_F(location, replacing_a_contact_keeps_its_place_and_its_new_expiry_counts) {
  add("alice", "sip:1", start + seconds{10});
  add("alice", "sip:2", start + seconds{60});
  table.update("alice", [](record& r) {
    const binding* old = r.find(start, [](const binding& b) { return b.contact() == "sip:1"; });
    r.put(contact("sip:1b", start + seconds{60}), old);
  });
  EXPECT_EQ(table.expire(start + seconds{20}), 0U);
  EXPECT_EQ(contacts_of(table, "alice", start), (std::vector<std::string>{"sip:1b", "sip:2"}));
  EXPECT_EQ(table.bindings(), 2U);
}

TEST_F(location, what_has_expired_is_not_found_and_is_dropped_with_its_record) {
  add("alice", "sip:1", start + seconds{10});
  add("alice", "sip:2", start + seconds{20});
  EXPECT_EQ(contacts_of(table, "alice", start + seconds{10}), std::vector<std::string>{"sip:2"});
  EXPECT_EQ(table.expire(start + seconds{15}), 1U);
  EXPECT_EQ(table.expire(start + seconds{21}), 1U);
  EXPECT_EQ(table.records(), 0U);
  EXPECT_EQ(table.bindings(), 0U);
}

TEST_F(location, a_permanent_contact_does_not_expire) {
  add("pstn", "sip:gateway", instant::max());
  EXPECT_EQ(table.expire(start + std::chrono::hours{24 * 365}), 0U);
  EXPECT_EQ(contacts_of(table, "pstn", start + std::chrono::hours{24 * 365}).size(), 1U);
}

TEST_F(location, an_update_that_leaves_no_contact_leaves_no_record) {
  table.update("nobody", [](record&) {});
  EXPECT_EQ(table.records(), 0U);
  add("alice", "sip:1", start + seconds{10});
  table.update("alice", [](record& r) { r.clear(); });
  EXPECT_EQ(table.records(), 0U);
  EXPECT_EQ(table.bindings(), 0U);
  EXPECT_FALSE(table.lookup("alice", [](const record&) {}));
}

TEST_F(location, room_is_bounded_for_one_record_and_for_the_table) {
  table.update("alice", [&](record& r) {
    EXPECT_TRUE(table.has_room(r, 3, 0));
    EXPECT_FALSE(table.has_room(r, 4, 0));
  });
  for (int i = 0; i < 98; ++i) add("user" + std::to_string(i), "sip:x", start + seconds{9});
  table.update("alice", [&](record& r) {
    EXPECT_TRUE(table.has_room(r, 2, 0));
    EXPECT_FALSE(table.has_room(r, 3, 0));
  });
}

TEST_F(location, threads_that_write_and_read_one_record_see_whole_contacts) {
  std::atomic<bool> stop{false};
  std::thread reader{[&] {
    while (!stop)
      for (const auto& uri : contacts_of(table, "alice", start))
        EXPECT_TRUE(uri == std::string(40, 'a') || uri == std::string(50, 'b')) << uri;
  }};
  for (int i = 0; i < 5000; ++i)
    table.update("alice", [&](record& r) {
      r.clear();
      r.put(contact(i % 2 ? std::string(40, 'a') : std::string(50, 'b'), start + seconds{9}));
    });
  stop = true;
  reader.join();
}

TEST_F(location, a_refresh_stays_in_its_place_and_a_longer_one_finds_another) {
  add("bob", "sip:a@192.0.2.1", start + seconds{10});
  add("bob", "sip:b@192.0.2.1", start + seconds{10});
  const auto put_again = [&](std::string_view call_id, instant expires) {
    table.update("bob", [&](record& r) {
      const auto* old = r.find(start, [](const binding& b) { return b.contact()[4] == 'a'; });
      auto data = contact("sip:a@192.0.2.1", expires);
      data.call_id = call_id;
      data.cseq = old->cseq() + 1;
      const auto* const before = old;
      r.put(data, old);
      EXPECT_EQ(r.size(), 2U);
      old = r.find(start, [](const binding& b) { return b.contact()[4] == 'a'; });
      ASSERT_NE(old, nullptr);
      EXPECT_EQ(old == before, call_id.size() == 1);
      EXPECT_EQ(old->call_id(), call_id);
      EXPECT_EQ(old->contact(), "sip:a@192.0.2.1");
    });
  };
  put_again("d", start + seconds{60});
  put_again("another call", start + seconds{60});
  EXPECT_EQ(contacts_of(table, "bob", start),
            (std::vector<std::string>{"sip:a@192.0.2.1", "sip:b@192.0.2.1"}));
  EXPECT_EQ(table.expire(start + seconds{11}), 1U); // each has the timer of its last refresh
  EXPECT_EQ(table.bindings(), 1U);
  table.update("bob", [&](record& r) {
    const auto* old = r.find(start, [](const binding&) { return true; });
    r.put(contact("sip:a@192.0.2.1", instant::max()), old);
  });
  EXPECT_EQ(table.expire(start + seconds{1000}), 0U); // permanent now, in the same place
  EXPECT_EQ(table.bindings(), 1U);
}

TEST_F(location, shards_that_register_look_up_expire_and_list_at_once_leave_what_lives) {
  constexpr int rounds = 2000;
  location_table shared{"location", {.bindings = 1000, .per_record = 3}, start};
  const auto writer = [&](const std::string& name) {
    for (int i = 0; i < rounds; ++i) {
      const std::string aor = name + std::to_string(i % 20);
      shared.update(aor, [&](record& r) {
        if (shared.has_room(r, 1, 0)) r.put(contact("sip:brief", start + seconds{1 + i % 3}));
        if (i % 7 == 0) r.clear();
      });
    }
    shared.update(name, [&](record& r) { r.put(contact("sip:stays", start + seconds{900})); });
  };
  std::atomic<int> at_work{2};
  std::thread first{[&] {
    writer("alice");
    --at_work;
  }};
  std::thread second{[&] {
    writer("bob");
    --at_work;
  }};
  instant now = start;
  while (at_work > 0) {
    shared.expire(now += milliseconds{10});
    std::size_t listed = 0;
    shared.for_each([&](const record& r) { listed += r.size(); });
    EXPECT_LE(listed, 1000U);
    (void)contacts_of(shared, "alice3", now);
    if (now > start + seconds{60}) now = start + seconds{60};
  }
  first.join();
  second.join();
  shared.expire(start + seconds{100});
  EXPECT_EQ(shared.bindings(), 2U);
  EXPECT_EQ(shared.records(), 2U);
  EXPECT_EQ(contacts_of(shared, "bob", start), std::vector<std::string>{"sip:stays"});
}

} // namespace
} // namespace tandem::storage

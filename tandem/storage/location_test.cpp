// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location.hpp>

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace tandem::storage {
namespace {

constexpr instant start{seconds{1000}};

sip::binding contact(std::string_view uri, instant expires, std::uint16_t q = 0) {
  sip::binding b;
  b.contact = uri;
  b.call_id = "c";
  b.cseq = 1;
  b.q = q;
  b.expires = expires;
  b.modified = start;
  b.received = *socket_address::parse("192.0.2.1:5060");
  return b;
}

using contact_list = std::span<const sip::binding>;

std::vector<std::string> contacts_of(const location_table& table, std::string_view aor,
                                     instant now) {
  std::vector<std::string> found;
  table.lookup(aor, now, [&](contact_list all) {
    for (const sip::binding& b : all) found.emplace_back(b.contact);
  });
  return found;
}

/// Puts one contact, in the place of the first that is_old says.
template <typename Old>
result<void, location_errc> put(location_table& table, std::string_view aor, const sip::binding& b,
                                Old&& is_old) {
  return table.update(aor, start, [&](contact_list all, sip::binding_edits& edits) {
    sip::binding_edit e{.old = {}, .put = &b};
    for (std::size_t i = 0; i < all.size() && !e.old; ++i)
      if (is_old(all[i])) e.old = i;
    edits.push_back(e);
    return true;
  });
}

result<void, location_errc> put(location_table& table, std::string_view aor,
                                const sip::binding& b) {
  return put(table, aor, b, [](const sip::binding&) { return false; });
}

void clear(location_table& table, std::string_view aor) {
  ASSERT_TRUE(table.update(aor, start, [&](contact_list all, sip::binding_edits& edits) {
    for (std::size_t i = 0; i < all.size(); ++i) edits.push_back({.old = i, .put = nullptr});
    return true;
  }));
}

class location : public testing::Test {
 protected:
  location_table table{"location", {.bindings = 100, .per_record = 3}, start};

  void add(std::string_view aor, std::string_view uri, instant expires) {
    ASSERT_TRUE(put(table, aor, contact(uri, expires)));
  }
};

TEST_F(location, pages_of_the_table_meet_each_record_that_stays_once) {
  location_table large{"location", {}, start};
  const auto add_to_large = [&](int i) {
    ASSERT_TRUE(
        put(large, fmt::format("user{}", i), contact("sip:a@192.0.2.1", start + seconds{60})));
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
      at = large.for_page(*at, most, start, [&](std::string_view aor, contact_list) {
        ++met[std::string{aor}];
        ++size;
      });
      largest = std::max(largest, size);
      add_to_large(1000 + page); // others come meanwhile
      clear(large, fmt::format("user{}", 1000 + page));
    }
    for (int i = 0; i < 500; ++i) EXPECT_EQ(met[fmt::format("user{}", i)], 1) << most;
    EXPECT_LE(largest, std::max<std::size_t>(most, 1));
  }
  EXPECT_FALSE(large.for_page({9999, 0}, 1, start, [](std::string_view, contact_list) { FAIL(); }));
}

TEST_F(location, a_record_keeps_its_contacts_in_order_and_every_text_of_them) {
  sip::binding full = contact("sip:a@192.0.2.1", start + seconds{60}, 500);
  full.parameters = ";+sip.instance=\"<urn:x>\"";
  full.path = "<sip:edge;lr>";
  full.call_id = "id-1";
  full.user_agent = "phone 1.0";
  full.cseq = 7;
  full.flags = 3;
  ASSERT_TRUE(put(table, "alice", full));
  add("alice", "sip:a@192.0.2.2", start + seconds{60});
  ASSERT_TRUE(table.lookup("alice", start, [](contact_list all) {
    ASSERT_EQ(all.size(), 2U);
    const sip::binding& b = all[0];
    EXPECT_EQ(b.contact, "sip:a@192.0.2.1");
    EXPECT_EQ(b.parameters, ";+sip.instance=\"<urn:x>\"");
    EXPECT_EQ(b.path, "<sip:edge;lr>");
    EXPECT_EQ(b.call_id, "id-1");
    EXPECT_EQ(b.user_agent, "phone 1.0");
    EXPECT_EQ(b.cseq, 7U);
    EXPECT_EQ(b.flags, 3);
    EXPECT_EQ(all[1].contact, "sip:a@192.0.2.2");
  }));
}

TEST_F(location, replacing_a_contact_keeps_its_place_and_its_new_expiry_counts) {
  add("alice", "sip:1", start + seconds{10});
  add("alice", "sip:2", start + seconds{60});
  ASSERT_TRUE(put(table, "alice", contact("sip:1b", start + seconds{60}),
                  [](const sip::binding& b) { return b.contact == "sip:1"; }));
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
  EXPECT_EQ(table.bytes(), 0U);
}

TEST_F(location, a_permanent_contact_does_not_expire) {
  add("pstn", "sip:gateway", instant::max());
  const instant later = start + std::chrono::hours{24 * 365};
  EXPECT_EQ(table.expire(later), 0U);
  EXPECT_EQ(contacts_of(table, "pstn", later).size(), 1U);
}

TEST_F(location, an_update_that_leaves_no_contact_leaves_no_record) {
  ASSERT_TRUE(
      table.update("nobody", start, [](contact_list, sip::binding_edits&) { return true; }));
  EXPECT_EQ(table.records(), 0U);
  add("alice", "sip:1", start + seconds{10});
  clear(table, "alice");
  EXPECT_EQ(table.records(), 0U);
  EXPECT_EQ(table.bindings(), 0U);
  EXPECT_EQ(table.bytes(), 0U);
  EXPECT_FALSE(table.lookup("alice", start, [](contact_list) {}));
}

TEST_F(location, contacts_are_bounded_for_one_record_and_for_the_table) {
  const auto refused = [](const result<void, location_errc>& r) {
    return r ? std::optional<location_errc>{} : r.error();
  };
  for (const char* uri : {"sip:1", "sip:2", "sip:3"}) add("alice", uri, start + seconds{9});
  EXPECT_EQ(refused(put(table, "alice", contact("sip:4", start + seconds{9}))),
            location_errc::too_many_contacts);
  EXPECT_EQ(contacts_of(table, "alice", start).size(), 3U);
  for (int i = 0; i < 97; ++i) add("user" + std::to_string(i), "sip:x", start + seconds{9});
  EXPECT_EQ(refused(put(table, "bob", contact("sip:x", start + seconds{9}))),
            location_errc::table_full);
  EXPECT_EQ(table.records(), 98U);
}

TEST(location_bytes, are_bounded_for_one_record_for_one_source_and_for_the_table) {
  const std::string uri(200, 'x');
  const auto filled_until = [&](const location_table::limits& bounds, auto&& aor, auto&& source) {
    location_table table{"location", bounds, start};
    for (unsigned n = 0; n < 1000; ++n) {
      sip::binding b = contact(uri, start + seconds{60});
      b.received = socket_address{*ip_address::parse(source(n)), 5060};
      if (const auto done = put(table, aor(n), b); !done) {
        EXPECT_LE(table.bytes(), 20'000U);
        EXPECT_GE(table.bytes(), 8'000U);
        return done.error();
      }
    }
    return location_errc::no_memory;
  };
  const auto one = [](unsigned) { return std::string{"alice"}; };
  const auto many = [](unsigned n) { return "u" + std::to_string(n); };
  const auto here = [](unsigned) { return std::string{"192.0.2.1"}; };
  const auto anywhere = [](unsigned n) { return "192.0.2." + std::to_string(n % 250 + 1); };
  const auto one_network = [](unsigned n) { return "2001:db8::" + std::to_string(n % 9000 + 1); };
  EXPECT_EQ(filled_until({.bytes_per_record = 10'000}, one, anywhere), location_errc::record_full);
  EXPECT_EQ(filled_until({.bytes_per_source = 10'000}, many, here), location_errc::source_full);
  EXPECT_EQ(filled_until({.bytes_per_source = 10'000}, many, one_network),
            location_errc::source_full);
  EXPECT_EQ(filled_until({.bytes = 10'000}, many, anywhere), location_errc::table_full);
}

TEST(location_bytes, of_a_source_are_free_again_when_its_contacts_go_expire_or_move) {
  location_table table{"location", {.bytes_per_source = 3'000}, start};
  const std::string uri(1'000, 'x');
  const auto from = [&](std::string_view source) {
    sip::binding b = contact(uri, start + seconds{5});
    b.received = *socket_address::parse(source);
    return b;
  };
  const auto always = [](const sip::binding&) { return true; };
  EXPECT_TRUE(put(table, "a", from("192.0.2.1:5060")));
  EXPECT_TRUE(put(table, "b", from("192.0.2.1:5060")));
  EXPECT_FALSE(put(table, "c", from("192.0.2.1:5060")));
  EXPECT_TRUE(put(table, "a", from("192.0.2.9:5060"), always)) << "the phone has moved";
  EXPECT_TRUE(put(table, "c", from("192.0.2.1:5060")));
  EXPECT_FALSE(put(table, "d", from("192.0.2.1:5060")));
  clear(table, "b");
  EXPECT_TRUE(put(table, "d", from("192.0.2.1:5060")));
  EXPECT_EQ(table.expire(start + seconds{6}), 3U);
  EXPECT_EQ(table.bytes(), 0U);
  EXPECT_TRUE(put(table, "e", from("192.0.2.1:5060")));
  EXPECT_TRUE(put(table, "f", from("192.0.2.1:5060")));
}

TEST(location_bytes, of_what_the_contacts_of_one_registration_share_are_kept_once) {
  const std::string path(10'000, 'p');
  const auto bytes_with = [&](std::size_t contacts) {
    location_table table{"location", {}, start};
    std::vector<std::string> uris;
    std::vector<sip::binding> all;
    for (std::size_t i = 0; i < contacts; ++i) uris.push_back("sip:" + std::to_string(i));
    for (const std::string& uri : uris) {
      all.push_back(contact(uri, start + seconds{60}));
      all.back().path = path;
    }
    EXPECT_TRUE(table.update("alice", start, [&](contact_list, sip::binding_edits& edits) {
      for (const sip::binding& b : all) edits.push_back({.old = {}, .put = &b});
      return true;
    }));
    return table.bytes();
  };
  EXPECT_LT(bytes_with(30), bytes_with(1) + std::size_t{30} * 400);
}

TEST_F(location, what_was_paid_for_a_contact_is_given_out_once) {
  sip::binding b = contact("sip:1", start + seconds{60});
  b.paid = 500;
  ASSERT_TRUE(put(table, "alice", b));
  const auto paid = [&](paid_bytes what) {
    std::uint32_t seen = 0;
    table.lookup(
        "alice", start, [&](contact_list all) { seen = all[0].paid; }, what);
    return seen;
  };
  EXPECT_EQ(paid(paid_bytes::kept), 500U);
  EXPECT_EQ(paid(paid_bytes::spent), 500U);
  EXPECT_EQ(paid(paid_bytes::spent), 0U);
  ASSERT_TRUE(put(table, "alice", b, [](const sip::binding&) { return true; }));
  EXPECT_EQ(paid(paid_bytes::spent), 500U) << "registered again";
}

/// Random registrations and removals of several phones from several sources, by which nothing is
/// counted twice or left behind.
TEST(location_bytes, are_all_given_back_whatever_was_done_in_which_order) {
  location_table table{"location", {.bytes_per_source = 5'000}, start};
  std::minstd_rand random{20'261'128};
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> texts;
    texts.reserve(64);
    const auto text = [&](std::size_t most) -> std::string_view {
      return texts.emplace_back(below(static_cast<unsigned>(most)) + 1, 'x');
    };
    std::vector<sip::binding> wanted;
    const auto source = *ip_address::parse("192.0.2." + std::to_string(below(3) + 1));
    const std::string_view call_id = text(40);
    const std::string_view path = text(200);
    for (unsigned n = below(4); n > 0; --n) {
      wanted.push_back(contact(text(60), start + seconds{below(50) + 1}));
      wanted.back().received.ip = source;
      wanted.back().call_id = call_id;
      wanted.back().path = below(4) == 0 ? text(100) : path;
    }
    const auto done = table.update("u" + std::to_string(below(9)), start,
                                   [&](contact_list all, sip::binding_edits& edits) {
                                     std::size_t next = 0;
                                     for (std::size_t i = 0; i < all.size(); ++i)
                                       if (below(3) == 0)
                                         edits.push_back({.old = i, .put = nullptr});
                                       else if (below(2) == 0 && next < wanted.size())
                                         edits.push_back({.old = i, .put = &wanted[next++]});
                                     while (next < wanted.size() && all.size() < 12)
                                       edits.push_back({.old = {}, .put = &wanted[next++]});
                                     return true;
                                   });
    static_cast<void>(done);
  }
  EXPECT_GT(table.bindings(), 5U);
  static_cast<void>(table.expire(start + seconds{100}));
  EXPECT_EQ(table.bindings(), 0U);
  EXPECT_EQ(table.bytes(), 0U);
  // Each source may fill its share again.
  for (unsigned n = 1; n <= 3; ++n) {
    sip::binding b = contact(std::string_view{}, start + seconds{200});
    const std::string uri(4'500, 'u');
    b.contact = uri;
    b.received.ip = *ip_address::parse("192.0.2." + std::to_string(n));
    EXPECT_TRUE(put(table, "again" + std::to_string(n), b)) << n;
  }
}

TEST_F(location, threads_that_write_and_read_one_record_see_whole_contacts) {
  std::atomic<bool> stop{false};
  std::thread reader{[&] {
    while (!stop)
      for (const auto& uri : contacts_of(table, "alice", start))
        EXPECT_TRUE(uri == std::string(40, 'a') || uri == std::string(50, 'b')) << uri;
  }};
  for (int i = 0; i < 5000; ++i) {
    const std::string uri = i % 2 ? std::string(40, 'a') : std::string(50, 'b');
    EXPECT_TRUE(put(table, "alice", contact(uri, start + seconds{9}),
                    [](const sip::binding&) { return true; }));
  }
  stop = true;
  reader.join();
}

TEST_F(location, a_refresh_needs_no_more_room_and_a_longer_one_finds_another) {
  const auto is_a = [](const sip::binding& b) { return b.contact.starts_with("sip:a"); };
  add("bob", "sip:a@192.0.2.1", start + seconds{10});
  add("bob", "sip:b@192.0.2.1", start + seconds{10});
  const std::size_t before = table.bytes();
  for (const char* const call_id : {"d", "another call"}) {
    sip::binding again = contact("sip:a@192.0.2.1", start + seconds{60});
    again.call_id = call_id;
    ASSERT_TRUE(put(table, "bob", again, is_a));
    EXPECT_EQ(table.bytes() == before, again.call_id.size() == 1) << call_id;
    ASSERT_TRUE(table.lookup("bob", start, [&](contact_list all) {
      EXPECT_EQ(all[0].call_id, call_id);
      EXPECT_EQ(all[1].call_id, "c") << "that of the other contact";
    }));
  }
  EXPECT_EQ(contacts_of(table, "bob", start),
            (std::vector<std::string>{"sip:a@192.0.2.1", "sip:b@192.0.2.1"}));
  EXPECT_EQ(table.expire(start + seconds{11}), 1U); // each has the timer of its last refresh
  EXPECT_EQ(table.bindings(), 1U);
  ASSERT_TRUE(put(table, "bob", contact("sip:a@192.0.2.1", instant::max()), is_a));
  EXPECT_EQ(table.expire(start + seconds{1000}), 0U); // permanent now, in the same place
  EXPECT_EQ(table.bindings(), 1U);
}

TEST_F(location, shards_that_register_look_up_expire_and_list_at_once_leave_what_lives) {
  constexpr int rounds = 2000;
  location_table shared{"location", {.bindings = 1000, .per_record = 3}, start};
  const auto writer = [&](const std::string& name) {
    for (int i = 0; i < rounds; ++i) {
      const std::string aor = name + std::to_string(i % 20);
      (void)put(shared, aor, contact("sip:brief", start + seconds{1 + i % 3}));
      if (i % 7 == 0) clear(shared, aor);
    }
    EXPECT_TRUE(put(shared, name, contact("sip:stays", start + seconds{900})));
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
    const auto rest = shared.for_page(
        {}, 1000, now, [&](std::string_view, contact_list all) { listed += all.size(); });
    EXPECT_FALSE(rest);
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

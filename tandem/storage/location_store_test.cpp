// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location_store.hpp>

#include <tandem/base/folder_for_test.hpp>
#include <tandem/storage/contact_row.hpp>
#include <tandem/storage/sql_for_test.hpp>
#include <tandem/storage/sql_schema.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace tandem::storage {
namespace {

using sip::binding;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using write_when = location_store::write_when;

/// A program with one table, from its start to its end.
struct one_run {
  explicit one_run(const std::string& folder, location_store::options how = {})
      : pool{*sql_url::parse("sqlite:test.db", folder), pool_options(), update_sql_schema,
             counted} {
    pool.start();
    store = location_store::make(
        pool, how, [this] { return form; }, counted);
    feed.subscribe(*store);
    store->add(table);
  }
  ~one_run() { pool.stop(seconds{20}); }
  one_run(const one_run&) = delete;
  one_run& operator=(const one_run&) = delete;

  static sql_pool_options pool_options() {
    return {.workers = 1, .patience = milliseconds{200}, .first_pause = milliseconds{1}};
  }

  void put(std::string_view aor, std::string_view contact, duration left = seconds{3600}) {
    binding b;
    const instant now = tandem::now();
    b.contact = contact;
    b.expires = left == duration::max() ? instant::max() : now + left;
    b.modified = now;
    b.q = 700;
    b.cseq = 17;
    b.flags = 16;
    b.call_id = "call@phone";
    b.parameters = ";methods=\"INVITE\"";
    b.path = "<sip:edge.example.com;lr>";
    b.user_agent = "phone\x01/1";
    b.received = *socket_address::parse("192.0.2.9:5071");
    b.transport = transport_kind::tcp;
    ASSERT_TRUE(table.update(aor, now, [&](std::span<const binding> there, sip::binding_edits& to) {
      for (std::size_t i = 0; i < there.size(); ++i)
        if (there[i].contact == contact) return to.push_back({i, &b}), true;
      to.push_back({std::nullopt, &b});
      return true;
    }));
  }
  void remove_all(std::string_view aor) {
    ASSERT_TRUE(table.update(aor, tandem::now(),
                             [&](std::span<const binding> there, sip::binding_edits& to) {
                               for (std::size_t i = 0; i < there.size(); ++i)
                                 to.push_back({i, nullptr});
                               return true;
                             }));
  }
  std::vector<std::string> contacts(std::string_view aor) const {
    std::vector<std::string> found;
    (void)table.lookup(aor, tandem::now(), [&](std::span<const binding> all) {
      for (const binding& b : all) found.emplace_back(b.contact);
    });
    return found;
  }
  bool is_stored(std::string_view aor) {
    std::promise<bool> told;
    store->when_stored(table, aor, [&](bool is_there) { told.set_value(is_there); });
    return told.get_future().get();
  }
  result<std::size_t, std::string> flush() {
    std::promise<result<std::size_t, std::string>> told;
    store->flush([&](auto all) { told.set_value(std::move(all)); });
    return told.get_future().get();
  }
  /// Rows as "username|domain|contact", in their order.
  std::vector<std::string> rows() {
    std::promise<std::vector<std::string>> told;
    pool.ask<std::vector<std::string>>(
        {.deadline = seconds{20}},
        [](sql_connection& in) {
          std::vector<std::string> all;
          in.query("SELECT username, domain, contact FROM location ORDER BY username, contact", {},
                   3, [&](sql_row row) {
                     all.push_back(fmt::format("{}|{}|{}", *row[0], *row[1], *row[2]));
                   });
          return all;
        },
        [&](auto all) { told.set_value(all ? *all : std::vector<std::string>{all.error().why}); });
    return told.get_future().get();
  }
  void sql(const std::string& statement) { for_test::run_sql(pool, statement); }

  observe::metrics counted;
  sql_pool pool;
  key_form form{};
  change_feed feed;
  location_table table{"location", {}, tandem::now(), &feed};
  std::shared_ptr<location_store> store;
};

struct location_stored : testing::Test {
  tandem::for_test::own_folder folder;
};

TEST_F(location_stored, a_contact_is_the_same_after_a_restart) {
  {
    one_run before{folder.path()};
    before.put("bob", "sip:bob@192.0.2.1");
    before.put("bob", "sip:bob@192.0.2.2");
    before.put("hall", "sip:hall@192.0.2.3", duration::max());
    ASSERT_TRUE(before.is_stored("bob"));
    ASSERT_TRUE(before.is_stored("hall"));
  } // as by kill -9: nobody has written the rest
  one_run after{folder.path()};
  ASSERT_EQ(after.store->wait_until_read(seconds{20}), "");
  EXPECT_THAT(after.contacts("bob"), ElementsAre("sip:bob@192.0.2.1", "sip:bob@192.0.2.2"));
  ASSERT_TRUE(after.table.lookup("bob", tandem::now(), [](std::span<const binding> all) {
    const binding& b = all[0];
    EXPECT_EQ(b.q, 700);
    EXPECT_EQ(b.cseq, 17U);
    EXPECT_EQ(b.flags, 16);
    EXPECT_EQ(b.call_id, "call@phone");
    EXPECT_EQ(b.parameters, ";methods=\"INVITE\"");
    EXPECT_EQ(b.path, "<sip:edge.example.com;lr>");
    EXPECT_EQ(b.user_agent, "phone?/1");
    EXPECT_EQ(b.received.to_string(), "192.0.2.9:5071");
    EXPECT_EQ(b.transport, transport_kind::tcp);
    EXPECT_NE(b.likeness, 0U);
    const auto left = b.expires - tandem::now();
    EXPECT_GT(left, seconds{3500});
    EXPECT_LE(left, seconds{3600});
  }));
  ASSERT_TRUE(after.table.lookup("hall", tandem::now(), [](std::span<const binding> all) {
    EXPECT_EQ(all[0].expires, instant::max());
  }));
}

TEST_F(location_stored, what_a_phone_takes_back_is_gone_after_a_restart) {
  one_run run{folder.path()};
  run.put("bob", "sip:bob@192.0.2.1");
  ASSERT_TRUE(run.is_stored("bob"));
  ASSERT_THAT(run.rows(), ElementsAre("bob||sip:bob@192.0.2.1"));
  run.remove_all("bob");
  ASSERT_TRUE(run.is_stored("bob"));
  EXPECT_THAT(run.rows(), IsEmpty());
}

TEST_F(location_stored, what_expires_leaves_the_database_too) {
  one_run run{folder.path()};
  run.put("bob", "sip:bob@192.0.2.1", milliseconds{1});
  ASSERT_TRUE(run.flush());
  run.table.expire(tandem::now() + seconds{2});
  ASSERT_TRUE(run.flush());
  EXPECT_THAT(run.rows(), IsEmpty());
}

TEST_F(location_stored, rows_that_expired_or_are_no_contacts_are_cleared_at_the_start) {
  {
    one_run empty{folder.path()};
    (void)empty.store->wait_until_read(seconds{20});
  }
  one_run run{folder.path()};
  run.sql("INSERT INTO location (username, contact, expires) VALUES "
          "('old', 'sip:old@a', '2001-01-01 00:00:00'), ('odd', 'nothing', '2099-01-01 00:00:00'), "
          "('Bob', 'sip:bob@a', '2099-01-01 00:00:00')");
  one_run next{folder.path()};
  ASSERT_EQ(next.store->wait_until_read(seconds{20}), "");
  EXPECT_THAT(next.contacts("bob"), ElementsAre("sip:bob@a"));
  ASSERT_TRUE(next.flush());
  EXPECT_THAT(next.rows(), ElementsAre("Bob||sip:bob@a"));
}

TEST_F(location_stored, users_of_domains_stand_in_two_columns) {
  one_run run{folder.path()};
  run.form.of_domain = key_form::domain::part;
  run.put("bob@a.org", "sip:bob@192.0.2.1");
  ASSERT_TRUE(run.is_stored("bob@a.org"));
  EXPECT_THAT(run.rows(), ElementsAre("bob|a.org|sip:bob@192.0.2.1"));
}

TEST_F(location_stored, many_users_share_a_transaction) {
  one_run run{folder.path()};
  ASSERT_EQ(run.store->wait_until_read(seconds{20}), "");
  constexpr int users = 1'000;
  std::atomic<int> good = 0;
  for (int i = 0; i < users; ++i) {
    const auto aor = fmt::format("user{}", i);
    run.put(aor, "sip:x@192.0.2.1");
    run.store->when_stored(run.table, aor, [&](bool is_there) { good += is_there ? 1 : 0; });
  }
  ASSERT_TRUE(run.flush());
  EXPECT_EQ(good, users);
  EXPECT_EQ(run.rows().size(), static_cast<std::size_t>(users));
  EXPECT_LT(run.counted.value("tandem_location_transactions_total"), users / 2.0);
}

TEST_F(location_stored, a_user_that_the_database_does_not_take_harms_no_other) {
  one_run run{folder.path()};
  run.sql("CREATE TRIGGER odd BEFORE INSERT ON location WHEN NEW.username = 'odd' BEGIN SELECT "
          "RAISE(ABORT, 'too odd'); END");
  std::promise<bool> odd, even;
  run.put("odd", "sip:odd@192.0.2.1");
  run.put("even", "sip:even@192.0.2.1");
  run.store->when_stored(run.table, "odd", [&](bool is_there) { odd.set_value(is_there); });
  run.store->when_stored(run.table, "even", [&](bool is_there) { even.set_value(is_there); });
  EXPECT_FALSE(odd.get_future().get());
  EXPECT_TRUE(even.get_future().get());
  EXPECT_THAT(run.rows(), ElementsAre("even||sip:even@192.0.2.1"));
}

TEST_F(location_stored, while_the_database_is_locked_nobody_is_told_yes_and_all_is_written_later) {
  one_run run{folder.path()};
  ASSERT_EQ(run.store->wait_until_read(seconds{20}), "");
  {
    sql_connection other{*sql_url::parse("sqlite:test.db", folder.path().native()),
                         milliseconds{20}};
    sql_transaction lock{other};
    run.put("bob", "sip:bob@192.0.2.1");
    EXPECT_FALSE(run.is_stored("bob"));
    run.put("bob", "sip:bob@192.0.2.2");
    EXPECT_FALSE(run.is_stored("bob")) << "at once: the database was away a moment ago";
  }
  EXPECT_THAT(run.contacts("bob"), ElementsAre("sip:bob@192.0.2.1", "sip:bob@192.0.2.2"));
  while (!run.pool.why_unavailable().empty()) std::this_thread::yield();
  while (run.rows().size() < 2) run.store->tick(tandem::now());
  EXPECT_THAT(run.rows(), ElementsAre("bob||sip:bob@192.0.2.1", "bob||sip:bob@192.0.2.2"));
}

TEST_F(location_stored, by_the_timer_nothing_is_written_before_it_and_the_rest_at_the_end) {
  one_run run{folder.path(), {.when = write_when::by_timer, .interval = seconds{60}}};
  ASSERT_EQ(run.store->wait_until_read(seconds{20}), "");
  const instant begin = tandem::now();
  run.store->tick(begin);
  run.put("bob", "sip:bob@192.0.2.1");
  run.store->tick(begin + seconds{59});
  EXPECT_THAT(run.rows(), IsEmpty());
  run.store->tick(begin + seconds{60});
  while (run.rows().empty()) std::this_thread::yield();
  run.put("carol", "sip:carol@192.0.2.1");
  EXPECT_EQ(run.rows().size(), 1U);
  EXPECT_EQ(run.store->write_rest(seconds{20}), "");
  EXPECT_EQ(run.rows().size(), 2U);
}

TEST_F(location_stored, read_only_tables_are_read_and_never_written) {
  {
    one_run run{folder.path()};
    run.put("bob", "sip:bob@192.0.2.1");
    ASSERT_TRUE(run.flush());
  }
  one_run run{folder.path(), {.when = write_when::never}};
  ASSERT_EQ(run.store->wait_until_read(seconds{20}), "");
  EXPECT_THAT(run.contacts("bob"), ElementsAre("sip:bob@192.0.2.1"));
  run.put("carol", "sip:carol@192.0.2.1");
  run.remove_all("bob");
  ASSERT_TRUE(run.flush());
  EXPECT_EQ(run.store->write_rest(seconds{20}), "");
  EXPECT_THAT(run.rows(), ElementsAre("bob||sip:bob@192.0.2.1"));
}

TEST_F(location_stored, after_lost_changes_the_whole_table_is_compared) {
  one_run run{folder.path()};
  ASSERT_EQ(run.store->wait_until_read(seconds{20}), "");
  run.put("bob", "sip:bob@192.0.2.1");
  run.put("carol", "sip:carol@192.0.2.1");
  ASSERT_TRUE(run.flush());
  run.sql("DELETE FROM location WHERE username = 'bob'");
  run.sql("INSERT INTO location (username, contact) VALUES ('stranger', 'sip:s@192.0.2.1')");
  run.store->on_lost("location", 3);
  ASSERT_TRUE(run.flush());
  EXPECT_THAT(run.rows(), ElementsAre("bob||sip:bob@192.0.2.1", "carol||sip:carol@192.0.2.1"));
}

TEST_F(location_stored, a_table_of_many_pages_is_read_whole) {
  {
    one_run empty{folder.path()};
    (void)empty.store->wait_until_read(seconds{20});
  }
  {
    one_run run{folder.path()};
    run.sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 5999) INSERT "
            "INTO location (username, contact, expires) SELECT 'u' || (i / 3), 'sip:u@192.0.2.1:' "
            "|| (1000 + i % 3), '2099-01-01 00:00:00' FROM n");
  }
  one_run run{folder.path()};
  ASSERT_EQ(run.store->wait_until_read(seconds{20}), "");
  EXPECT_EQ(run.table.records(), 2'000U);
  EXPECT_EQ(run.table.bindings(), 6'000U);
}

TEST_F(location_stored, a_database_that_cannot_be_read_is_told_at_the_start) {
  const std::string file = (folder / "test.db");
  std::filesystem::create_directory(file);
  one_run run{folder.path()};
  EXPECT_THAT(run.store->wait_until_read(seconds{20}), HasSubstr("location"));
}

} // namespace
} // namespace tandem::storage

// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_pool.hpp>

#include <tandem/base/folder_for_test.hpp>
#include <tandem/storage/sql_schema.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <future>
#include <mutex>
#include <sys/stat.h>
#include <vector>

namespace tandem::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using text_result = result<std::string, sql_failure>;
using count_result = result<int, sql_failure>;

/// A door that a job waits at, as at a database that does not answer.
class gate {
 public:
  void wait() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }
  void until_somebody_waits() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  void open() {
    const std::lock_guard lock{mutex_};
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool is_open_ = false;
};

struct sql_pool_of_a_file : testing::Test {
  std::unique_ptr<sql_pool> make(sql_pool_options options = {},
                                 const std::string& file = "test.db") {
    auto made =
        std::make_unique<sql_pool>(*sql_url::parse("sqlite:" + file, folder.path().native()),
                                   options, update_sql_schema, counted);
    made->start();
    return made;
  }
  template <typename T>
  static result<T, sql_failure> ask(sql_pool& of, std::function<T(sql_connection&)> work,
                                    sql_job job = {.deadline = seconds{20}}) {
    std::promise<result<T, sql_failure>> told;
    of.ask<T>(job, std::move(work),
              [&told](result<T, sql_failure> all) { told.set_value(std::move(all)); });
    return told.get_future().get();
  }
  static count_result add_user(sql_pool& to, const std::string& name) {
    return ask<int>(to, [name](sql_connection& in) {
      sql_transaction whole{in};
      in.run("INSERT INTO grp (username, grp) VALUES (:u, :g)", {name, "local"});
      whole.commit();
      return 1;
    });
  }
  static int users(sql_pool& of) {
    const auto found = ask<int>(of, [](sql_connection& in) {
      int made = -1;
      in.query("SELECT count(*) FROM grp", {}, 1,
               [&](sql_row row) { made = std::stoi(std::string{*row[0]}); });
      return made;
    });
    return found ? *found : -1;
  }

  tandem::for_test::own_folder folder;
  observe::metrics counted;
};

TEST_F(sql_pool_of_a_file, a_value_is_bound_and_never_read_as_part_of_the_statement) {
  const auto pool = make();
  const std::string evil = "x'); DROP TABLE grp; --\n\"%s\0y";
  ASSERT_TRUE(add_user(*pool, evil));
  const auto found = ask<std::string>(*pool, [&](sql_connection& in) {
    std::string made;
    in.query("SELECT username, domain FROM grp WHERE username = :u", {evil}, 2,
             [&](sql_row row) { made = std::string{*row[0]} + "|" + std::string{*row[1]}; });
    return made;
  });
  ASSERT_TRUE(found) << found.error().why;
  EXPECT_EQ(*found, evil + "|");
}

TEST_F(sql_pool_of_a_file, the_file_is_made_with_its_folder_and_nobody_else_reads_it) {
  const auto pool = make({}, "state/tandem.db");
  ASSERT_TRUE(add_user(*pool, "alice"));
  struct ::stat about {};
  ASSERT_EQ(::stat((folder / "state/tandem.db").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(sql_pool_of_a_file, what_a_statement_says_wrong_is_that_jobs_fault_alone) {
  const auto pool = make();
  const auto wrong = ask<int>(*pool, [](sql_connection& in) {
    in.run("INSERT INTO nothing VALUES (:x)", {"secret"});
    return 1;
  });
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().what, sql_errc::refused);
  EXPECT_THAT(wrong.error().why, HasSubstr("nothing"));
  EXPECT_THAT(wrong.error().why, Not(HasSubstr("secret"))) << "values stay out of the log";
  EXPECT_TRUE(add_user(*pool, "alice"));
  EXPECT_THAT(pool->why_unavailable(), ::testing::AnyOf("", "not connected yet"));
}

TEST_F(sql_pool_of_a_file, a_transaction_that_was_not_committed_leaves_nothing) {
  const auto pool = make();
  const auto broken = ask<int>(*pool, [](sql_connection& in) {
    sql_transaction whole{in};
    in.run("INSERT INTO grp (username, grp) VALUES (:u, :g)", {"bob", "local"});
    in.run("INSERT INTO nothing VALUES (:x)", {"1"});
    return 1;
  });
  EXPECT_FALSE(broken);
  EXPECT_EQ(users(*pool), 0);
}

TEST_F(sql_pool_of_a_file, jobs_of_one_key_stay_in_order_and_others_do_not_wait_for_them) {
  const auto pool = make({.workers = 2});
  gate shut;
  std::vector<int> order;
  std::promise<void> last;
  for (int i = 0; i < 3; ++i)
    pool->ask<int>(
        {.key = 1, .deadline = seconds{20}},
        [&, i](sql_connection&) {
          if (i == 0) shut.wait();
          order.push_back(i);
          return i;
        },
        [&, i](const count_result&) {
          if (i == 2) last.set_value();
        });
  shut.until_somebody_waits();
  EXPECT_TRUE(
      ask<int>(*pool, [](sql_connection&) { return 1; }, {.key = 2, .deadline = seconds{20}}));
  shut.open();
  last.get_future().get();
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST_F(sql_pool_of_a_file, a_worker_that_hangs_is_told_at_the_deadline_and_nobody_waits_behind_it) {
  const auto pool = make({.workers = 1});
  ASSERT_TRUE(add_user(*pool, "alice"));
  gate shut;
  std::atomic<int> late = 0;
  const auto hang = ask<int>(*pool,
                             [&](sql_connection&) {
                               shut.wait();
                               ++late;
                               return 1;
                             },
                             {.deadline = milliseconds{20}});
  ASSERT_FALSE(hang);
  EXPECT_EQ(hang.error().what, sql_errc::late);
  const auto behind = ask<int>(*pool, [](sql_connection&) { return 1; });
  ASSERT_FALSE(behind) << "refused at once: its own deadline is far away";
  EXPECT_EQ(behind.error().what, sql_errc::unavailable);
  EXPECT_EQ(pool->why_unavailable(), "it does not answer");
  EXPECT_EQ(counted.value("tandem_sql_up", {{"database", pool->shown()}}), 0);
  shut.open();
  while (!pool->why_unavailable().empty()) std::this_thread::yield();
  EXPECT_EQ(users(*pool), 1);
  EXPECT_EQ(late, 1);
}

TEST_F(sql_pool_of_a_file, a_pool_ends_although_a_worker_hangs) {
  auto shut = std::make_shared<gate>();
  std::promise<int> told;
  {
    const auto pool = make({.workers = 1});
    pool->ask<int>(
        {.deadline = seconds{60}},
        [shut](sql_connection&) {
          shut->wait();
          return 1;
        },
        [&](count_result all) { told.set_value(static_cast<int>(all.error().what)); });
    shut->until_somebody_waits();
    pool->stop(milliseconds{10});
    EXPECT_EQ(told.get_future().get(), static_cast<int>(sql_errc::stopped));
    EXPECT_EQ(add_user(*pool, "late").error().what, sql_errc::stopped);
  }
  shut->open();
}

TEST_F(sql_pool_of_a_file, what_waits_is_bounded_in_number_and_in_bytes) {
  const auto pool = make({.workers = 1, .most_jobs = 3, .most_bytes = 1'000});
  gate shut;
  std::atomic<int> good = 0, busy = 0;
  const auto put = [&](std::size_t bytes) {
    pool->ask<int>(
        {.bytes = bytes, .deadline = seconds{20}},
        [&](sql_connection&) {
          shut.wait();
          return 1;
        },
        [&](const count_result& all) {
          if (all)
            ++good;
          else if (all.error().what == sql_errc::busy)
            ++busy;
        });
  };
  put(100);
  shut.until_somebody_waits();
  put(1'000);
  EXPECT_EQ(busy, 1) << "bytes";
  put(100);
  put(100);
  EXPECT_EQ(busy, 1);
  put(100);
  EXPECT_EQ(busy, 2) << "number";
  EXPECT_EQ(counted.value("tandem_sql_waiting", {{"database", pool->shown()}}), 3);
  shut.open();
  pool->stop(seconds{20});
  EXPECT_EQ(good, 3);
}

TEST_F(sql_pool_of_a_file, a_locked_database_is_unavailable_and_comes_back_by_itself) {
  const auto pool = make({.patience = milliseconds{200}});
  ASSERT_TRUE(add_user(*pool, "alice"));
  {
    sql_connection other{*sql_url::parse("sqlite:test.db", folder.path().native()),
                         milliseconds{20}};
    sql_transaction lock{other};
    const auto refused = add_user(*pool, "bob");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, sql_errc::unavailable);
    EXPECT_THAT(refused.error().why, HasSubstr("locked"));
  }
  while (!pool->why_unavailable().empty()) std::this_thread::yield();
  EXPECT_TRUE(add_user(*pool, "bob"));
  EXPECT_EQ(users(*pool), 2);
}

TEST_F(sql_pool_of_a_file, a_broken_file_is_told_and_mended_without_a_restart) {
  std::ofstream{folder / "test.db"} << std::string(4096, 'x');
  const auto pool = make({.first_pause = milliseconds{1}, .longest_pause = milliseconds{5}});
  const auto refused = add_user(*pool, "alice");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, sql_errc::unavailable);
  EXPECT_THAT(refused.error().why, HasSubstr("not a database"));
  std::filesystem::remove(folder / "test.db");
  while (!pool->why_unavailable().empty()) std::this_thread::yield();
  EXPECT_TRUE(add_user(*pool, "alice"));
}

TEST_F(sql_pool_of_a_file, a_full_database_is_unavailable_and_goes_on_when_there_is_room) {
  const auto pool = make({.workers = 1});
  const auto limit = [&](const char* pages) {
    return ask<int>(*pool, [pages](sql_connection& in) {
      in.execute(std::string{"PRAGMA max_page_count="} + pages);
      return 1;
    });
  };
  ASSERT_TRUE(limit("1")); // no less than it has
  std::optional<sql_failure> full;
  for (int i = 0; i < 1'000 && !full; ++i)
    if (const auto done = add_user(*pool, std::string(60, 'a') + std::to_string(i)); !done)
      full = done.error();
  ASSERT_TRUE(full);
  EXPECT_EQ(full->what, sql_errc::unavailable);
  EXPECT_THAT(full->why, HasSubstr("full"));
  // The limit went with the connection.
  while (!pool->why_unavailable().empty()) std::this_thread::yield();
  EXPECT_TRUE(add_user(*pool, "alice"));
}

TEST_F(sql_pool_of_a_file, a_database_of_a_newer_program_is_left_alone) {
  {
    const auto pool = make();
    ASSERT_TRUE(ask<int>(*pool, [](sql_connection& in) {
      in.run("INSERT INTO tandem_schema (version) VALUES (:v)", {"99"});
      return 1;
    }));
  }
  const auto pool = make();
  const auto refused = add_user(*pool, "alice");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().why, HasSubstr("newer version"));
}

TEST_F(sql_pool_of_a_file, tables_of_an_older_program_get_the_columns_that_they_lack) {
  {
    sql_connection old{*sql_url::parse("sqlite:test.db", folder.path().native()),
                       milliseconds{100}};
    old.execute("CREATE TABLE location (username varchar(50) NOT NULL, domain varchar(50) NOT NULL "
                "DEFAULT '', contact varchar(255) NOT NULL, expires datetime, q float(10,2), "
                "callid varchar(255), cseq integer, last_modified timestamp, replicate integer, "
                "state integer, flags integer, PRIMARY KEY (username, domain, contact))");
    old.run("INSERT INTO location (username, contact) VALUES (:u, :c)", {"bob", "sip:bob@b"});
  }
  const auto pool = make();
  const auto found = ask<std::string>(*pool, [](sql_connection& in) {
    std::string made;
    in.query("SELECT username, path, received FROM location", {}, 3,
             [&](sql_row row) { made = fmt::format("{}{}{}", *row[0], *row[1], *row[2]); });
    return made;
  });
  ASSERT_TRUE(found) << found.error().why;
  EXPECT_EQ(*found, "bob");
}

} // namespace
} // namespace tandem::storage

// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_accounts.hpp>

#include <tandem/base/folder_for_test.hpp>
#include <tandem/storage/sql_for_test.hpp>
#include <tandem/storage/sql_schema.hpp>

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <string>

namespace tandem::storage {
namespace {

using crypto::hash_function;
using kind = account_answer::kind;

const std::string md5_of_name(32, 'a'), md5_of_both(32, 'b'), sha256_of_name(64, 'c');

struct accounts_in_a_database : testing::Test {
  accounts_in_a_database() {
    pool.start();
    sql("INSERT INTO subscriber (username, domain, password, ha1, ha1b, ha1_sha256) VALUES "
        "('alice', 'a.org', 'secret', '" +
        md5_of_name + "', '" + md5_of_both + "', '" + sha256_of_name + "')");
  }
  void sql(const std::string& statement) { for_test::run_sql(pool, statement); }
  static account_answer fetch(sql_accounts& from, std::string_view name, std::string_view realm,
                              hash_function hash = hash_function::md5,
                              std::string_view table = "subscriber") {
    std::promise<account_answer> told;
    from.fetch(account_query{{table, name, realm, hash}},
               [&](account_answer found) { told.set_value(found); });
    return told.get_future().get();
  }

  tandem::for_test::own_folder folder;
  observe::metrics counted;
  sql_pool pool{
      *sql_url::parse("sqlite:test.db", folder.path().native()), {}, update_sql_schema, counted};
};

TEST_F(accounts_in_a_database, the_name_decides_which_column_has_the_password) {
  sql_accounts all{pool, {.sha256 = "ha1_sha256", .sha256b = "ha1b_sha256"}, {}};
  EXPECT_EQ(fetch(all, "alice", "a.org").secret.reveal(), md5_of_name);
  EXPECT_EQ(fetch(all, "alice@a.org", "realm").secret.reveal(), md5_of_both);
  EXPECT_EQ(fetch(all, "alice", "a.org", hash_function::sha256).secret.reveal(), sha256_of_name);
  EXPECT_EQ(fetch(all, "alice@a.org", "a.org", hash_function::sha256).what, kind::unknown)
      << "an empty column is no password";
  EXPECT_EQ(fetch(all, "alice", "b.org").what, kind::unknown);
  EXPECT_EQ(fetch(all, "Alice", "a.org").what, kind::unknown);
  EXPECT_EQ(fetch(all, "alice' OR 'a'='a", "a.org").what, kind::unknown);
}

TEST_F(accounts_in_a_database, a_password_in_the_clear_is_hashed_for_every_algorithm) {
  sql_accounts all{pool, {.ha1 = "password", .calculates_ha1 = true, .uses_domain = false}, {}};
  for (const auto hash : {hash_function::md5, hash_function::sha256}) {
    EXPECT_EQ(fetch(all, "alice", "any", hash).secret.reveal(),
              crypto::hash_secret(hash, {"alice:any:secret"})->reveal());
    EXPECT_EQ(fetch(all, "alice@x", "any", hash).secret.reveal(),
              crypto::hash_secret(hash, {"alice@x:any:secret"})->reveal());
  }
}

TEST_F(accounts_in_a_database, names_are_compared_byte_for_byte_whatever_the_database_does) {
  sql("CREATE TABLE lax (username varchar(64) COLLATE NOCASE, domain varchar(64), ha1 "
      "varchar(64))");
  sql("INSERT INTO lax VALUES ('alice', 'a.org', '" + md5_of_name + "')");
  sql_accounts all{pool, {}, {}};
  EXPECT_EQ(fetch(all, "alice", "a.org", hash_function::md5, "lax").what, kind::found);
  EXPECT_EQ(fetch(all, "ALICE", "a.org", hash_function::md5, "lax").what, kind::unknown);
}

TEST_F(accounts_in_a_database, an_answer_is_known_for_a_while_and_then_asked_for_again) {
  sql_accounts all{pool, {}, {.kept = milliseconds{50}}};
  const account_key alice{"subscriber", "alice", "a.org", hash_function::md5};
  EXPECT_FALSE(all.find(alice));
  ASSERT_EQ(fetch(all, "alice", "a.org").what, kind::found);
  const auto known = all.find(alice);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->secret.reveal(), md5_of_name);
  EXPECT_FALSE(all.find({"subscriber", "alice", "b.org", hash_function::md5}));
  while (all.find(alice)) std::this_thread::yield();
  sql("DELETE FROM subscriber");
  EXPECT_EQ(fetch(all, "alice", "a.org").what, kind::unknown);
}

TEST_F(accounts_in_a_database, what_is_kept_is_bounded) {
  sql_accounts all{pool, {}, {.kept = seconds{3600}, .most_kept = 2}};
  for (const char* name : {"alice", "x", "y"}) (void)fetch(all, name, "a.org");
  EXPECT_FALSE(all.find({"subscriber", "alice", "a.org", hash_function::md5}));
  EXPECT_TRUE(all.find({"subscriber", "y", "a.org", hash_function::md5}));
}

TEST_F(accounts_in_a_database, a_database_that_cannot_be_asked_says_nothing_about_the_account) {
  sql_accounts all{pool, {}, {}};
  EXPECT_EQ(fetch(all, "alice", "a.org", hash_function::md5, "nothing").what, kind::failed);
  EXPECT_EQ(fetch(all, "alice", "a.org", hash_function::md5, "x; DROP TABLE y").what, kind::failed);
  pool.stop(seconds{20});
  EXPECT_EQ(fetch(all, "alice", "a.org").what, kind::failed);
  EXPECT_FALSE(all.find({"subscriber", "alice", "a.org", hash_function::md5}));
}

TEST_F(accounts_in_a_database, a_column_is_a_name_and_an_algorithm_needs_one) {
  EXPECT_THROW((sql_accounts{pool, {.user = "a, b"}, {}}), std::invalid_argument);
  const hash_function both[]{hash_function::md5, hash_function::sha256};
  EXPECT_EQ((sql_accounts{pool, {}, {}}.find_incomplete(both)), "everybody");
  EXPECT_EQ((sql_accounts{pool, {.sha256 = "ha1_sha256"}, {}}.find_incomplete(both)), "");
}

} // namespace
} // namespace tandem::storage

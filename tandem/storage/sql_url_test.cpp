// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_url.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::storage {
namespace {

using testing::HasSubstr;

TEST(sql_url, names_a_file_or_a_database_of_a_server) {
  EXPECT_EQ(sql_url::parse("sqlite:/var/lib/t.db")->path, "/var/lib/t.db");
  EXPECT_EQ(sql_url::parse("sqlite:///var/lib/t.db", "/etc")->path, "/var/lib/t.db");
  EXPECT_EQ(sql_url::parse("sqlite:t.db", "/etc/tandem")->path, "/etc/tandem/t.db");

  const auto all = sql_url::parse("postgresql://al:s%40c:ret@[2001:db8::1]:5433/ser");
  ASSERT_TRUE(all) << all.error();
  EXPECT_EQ(all->dialect, sql_dialect::postgresql);
  EXPECT_EQ(all->user, "al");
  EXPECT_EQ(all->password.reveal(), "s@c:ret");
  EXPECT_EQ(all->host, "2001:db8::1");
  EXPECT_EQ(all->port, "5433");
  EXPECT_EQ(all->name, "ser");

  const auto old = sql_url::parse("sql://ser:heslo@localhost/ser");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->dialect, sql_dialect::mysql);
  EXPECT_EQ(old->host, "localhost");
  EXPECT_EQ(sql_url::parse("mysql:///ser?socket=/run/m.sock")->socket, "/run/m.sock");
}

TEST(sql_url, shows_everything_but_the_password) {
  for (const char* text : {"mysql://ser:heslo@db:3306/ser", "postgres://ser:heslo@db/ser",
                           "mysql://ser:heslo@/ser?socket=/run/m.sock"})
    EXPECT_THAT(sql_url::parse(text)->shown(), Not(HasSubstr("heslo"))) << text;
  EXPECT_EQ(sql_url::parse("sql://ser:heslo@db:3306/ser")->shown(), "mysql://ser@db:3306/ser");
}

TEST(sql_url, what_is_wrong_is_told_without_the_password) {
  for (const char* text :
       {"", "x", "oracle://a/b", "mysql:ser", "mysql://ser:heslo@db", "mysql://ser:heslo@db/",
        "sqlite:", "mysql://ser:hes'lo@db/ser", "mysql://ser:heslo%@db/ser",
        "mysql://ser:heslo%0a@db/ser", "mysql://ser:heslo@db:port/ser", "mysql://[::1/ser",
        "mysql://ser:heslo@db/ser?reconnect=1", "mysql://ser:heslo@db/a%00b"}) {
    const auto made = sql_url::parse(text);
    ASSERT_FALSE(made) << text;
    EXPECT_THAT(made.error(), Not(HasSubstr("heslo"))) << text;
  }
}

} // namespace
} // namespace tandem::storage

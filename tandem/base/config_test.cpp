// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/config.hpp>

#include <array>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace tandem;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

TEST(config, reads_each_type_and_leaves_what_is_absent) {
  auto file = config_document::parse("name = 'desk'\nport = 6001\non = true\nratio = 0.5\n"
                                     "wait = '1.5 s'\nroom = '64 KiB'\nhosts = ['a', 'b']\n"
                                     "pin = 'x'\none = 'single'\ncharset = 'Latin-1'\n",
                                     "t.toml");
  const config_table root = file.root();
  std::string name;
  std::uint16_t port = 0;
  int absent = 7;
  bool on = false;
  double ratio = 0;
  duration wait{};
  std::size_t room = 0;
  std::vector<std::string> hosts;
  std::vector<std::string> one;
  secret pin;
  std::size_t charset = 9;
  constexpr std::array<std::string_view, 2> charsets{"ascii", "latin-1"};
  root.read("name", name);
  root.read("port", port, 1, 65535);
  root.read("absent", absent);
  root.read("on", on);
  root.read("ratio", ratio);
  root.read_duration("wait", wait);
  root.read_size("room", room);
  root.read("hosts", hosts);
  root.read("one", one);
  root.read("pin", pin);
  root.read_choice("charset", charsets, charset);
  EXPECT_TRUE(file.finish()) << file.explain();
  EXPECT_EQ(name, "desk");
  EXPECT_EQ(port, 6001);
  EXPECT_EQ(absent, 7);
  EXPECT_TRUE(on);
  EXPECT_EQ(ratio, 0.5);
  EXPECT_EQ(wait, milliseconds{1500});
  EXPECT_EQ(room, 65536U);
  EXPECT_THAT(hosts, ElementsAre("a", "b"));
  EXPECT_THAT(one, ElementsAre("single"));
  EXPECT_EQ(pin.reveal(), "x");
  EXPECT_EQ(charset, 1U);
}

TEST(config, tells_all_faults_at_once_with_their_places) {
  auto file = config_document::parse("port = 70000\n[listener]\n  adress = 'x'\naddress = 5\n"
                                     "wait = 30\n[other]\n",
                                     "t.toml");
  std::uint16_t port = 5;
  std::string address = "kept";
  duration wait = seconds{1};
  const config_table root = file.root();
  root.read("port", port, 1, 65535);
  const config_table listener = root.table("listener");
  listener.read("address", address);
  listener.read_duration("wait", wait);
  listener.require("certificate");
  EXPECT_FALSE(file.finish());
  EXPECT_EQ(port, 5);
  EXPECT_EQ(address, "kept");
  EXPECT_EQ(wait, seconds{1});
  const std::string text = file.explain();
  EXPECT_THAT(text, HasSubstr("t.toml:1:8: 'port' must be from 1 to 65535, but is 70000"));
  EXPECT_THAT(text, HasSubstr("t.toml:3:3: unknown key 'adress'; did you mean 'address'?"));
  EXPECT_THAT(text, HasSubstr("t.toml:4:11: 'address' must be a string, but is an integer"));
  EXPECT_THAT(text, HasSubstr("t.toml:5:8: 'wait' must be a time with a unit"));
  EXPECT_THAT(text, HasSubstr("'certificate' is missing"));
  EXPECT_THAT(text, HasSubstr("unknown key 'other'"));
  EXPECT_EQ(file.errors().size(), 6U);
}

TEST(config, reports_bad_toml_with_its_place) {
  auto file = config_document::parse("a = 1\nb = = 2\n", "t.toml");
  EXPECT_FALSE(file.finish());
  ASSERT_EQ(file.errors().size(), 1U);
  EXPECT_EQ(file.errors()[0].line, 2U);
}

TEST(config, reports_a_file_that_is_not_there) {
  auto file = config_document::read("/nonexistent/tandem.toml");
  EXPECT_FALSE(file.finish());
  EXPECT_THAT(file.explain(), HasSubstr("/nonexistent/tandem.toml: cannot be read: No such file"));
}

TEST(config, a_file_that_is_not_read_to_its_end_is_not_taken_for_an_empty_one) {
  auto file = config_document::read("/"); // it opens, and reading it fails
  EXPECT_FALSE(file.finish());
  EXPECT_THAT(file.explain(), HasSubstr("cannot be read: Is a directory"));
}

TEST(config, reads_arrays_of_tables_named_tables_and_maps) {
  auto file = config_document::parse("[[backend]]\nurl='a'\n[[backend]]\nurl='b'\nurk='c'\n"
                                     "[profile.desk]\nx=1\n[profile.gate]\nx=2\n"
                                     "[institutions]\nA='B'\nC='D'\n",
                                     "t.toml");
  std::vector<std::string> urls;
  for (const config_table& backend : file.root().tables("backend")) {
    std::string url;
    backend.read("url", url);
    urls.push_back(url);
  }
  EXPECT_THAT(urls, ElementsAre("a", "b"));
  std::vector<std::string> names;
  for (const auto& [name, profile] : file.root().named_tables("profile")) {
    int x = 0;
    profile.read("x", x);
    names.push_back(name + std::to_string(x));
  }
  EXPECT_THAT(names, ElementsAre("desk1", "gate2"));
  EXPECT_THAT(file.root().table("institutions").text_entries(),
              ElementsAre(testing::Pair("A", "B"), testing::Pair("C", "D")));
  EXPECT_FALSE(file.finish());
  EXPECT_THAT(file.explain(), testing::StrEq("t.toml:5:1: unknown key 'urk'; did you mean 'url'?"));
}

TEST(config, takes_secrets_from_files_and_environment_and_never_prints_them) {
  ::setenv("TANDEM_TEST_SECRET", "hidden", 1);
  auto file =
      config_document::parse("a = { env = 'TANDEM_TEST_SECRET' }\nb = { file = '/nonexistent' }\n"
                             "c = 5\n",
                             "t.toml");
  secret a;
  secret b;
  secret c;
  file.root().read("a", a);
  file.root().read("b", b);
  file.root().read("c", c);
  EXPECT_EQ(a.reveal(), "hidden");
  EXPECT_FALSE(file.finish());
  EXPECT_EQ(file.errors().size(), 2U);
  EXPECT_THAT(file.explain(), HasSubstr("cannot read a secret from /nonexistent"));
}

TEST(config, says_of_an_empty_file_of_a_secret_that_it_is_empty_whatever_failed_before) {
  auto file = config_document::parse("a = { file = '/dev/null' }\n", "t.toml");
  secret a;
  errno = EACCES;
  file.root().read("a", a);
  EXPECT_FALSE(file.finish());
  EXPECT_THAT(file.explain(), HasSubstr("cannot read a secret from /dev/null: it is empty"));
}

TEST(config, knows_the_nearest_name_of_a_choice) {
  auto file = config_document::parse("mode = 'crlv'", "t.toml");
  std::size_t mode = 0;
  constexpr std::array<std::string_view, 3> names{"cr", "lf", "crlf"};
  file.root().read_choice("mode", names, mode);
  EXPECT_THAT(
      file.explain(),
      HasSubstr("one of \"cr\", \"lf\", \"crlf\", but is \"crlv\"; did you mean \"crlf\"?"));
}

TEST(config, sizes_and_times_have_units) {
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("10 MB"), 10000000U);
  EXPECT_EQ(parse_size("1.5KiB"), 1536U);
  EXPECT_EQ(parse_duration("5 min"), seconds{300});
  EXPECT_EQ(parse_duration("2h"), seconds{7200});
  EXPECT_EQ(parse_duration("0"), seconds{0});
  for (const char* bad : {"", "s", "-1 s", "5", "5 parsec", "1e400 s", "nan s", "1 s s"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const char* bad : {"", "KB", "-1", "5 XB", "999999999999 GB"})
    EXPECT_FALSE(parse_size(bad)) << bad;
}

} // namespace

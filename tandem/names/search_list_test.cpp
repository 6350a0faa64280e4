// SPDX-License-Identifier: Apache-2.0
#include <tandem/names/name_server_for_test.hpp>
#include <tandem/names/search_list.hpp>

#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tandem::names {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(search_list, reads_a_resolv_conf) {
  const auto list = search_list::parse("# a comment\n; another one\nnameserver 192.0.2.1\n"
                                       "search one.example\t two.example\r\n"
                                       "options timeout:1 ndots:2\n",
                                       "host.own.example");
  EXPECT_THAT(list.domains, ElementsAre("one.example", "two.example"));
  EXPECT_EQ(list.ndots, 2U);
}

TEST(search_list, the_last_line_counts_and_without_one_the_domain_of_the_host) {
  EXPECT_THAT(search_list::parse("search a b\ndomain c\n", "h").domains, ElementsAre("c"));
  EXPECT_THAT(search_list::parse("domain c\nsearch a b", "h").domains, ElementsAre("a", "b"));
  EXPECT_THAT(search_list::parse("search\n", "host.own.example").domains,
              ElementsAre("own.example"));
  EXPECT_THAT(search_list::parse("", "host").domains, IsEmpty());
}

TEST(search_list, a_number_of_dots_that_is_none_changes_nothing_and_a_large_one_is_15) {
  EXPECT_EQ(search_list::parse("options ndots:-1\noptions ndots:\n", "").ndots, 1U);
  EXPECT_EQ(search_list::parse("options ndots:99\n", "").ndots, 15U);
}

TEST(search_list, names_with_too_few_dots_are_tried_in_the_domains_first) {
  const search_list list{{"a.example", "."}, 2};
  EXPECT_THAT(list.names_for("ils"), ElementsAre("ils.a.example", "ils"));
  EXPECT_THAT(list.names_for("ils.x"), ElementsAre("ils.x.a.example", "ils.x"));
  EXPECT_THAT(list.names_for("ils.x.y"), ElementsAre("ils.x.y", "ils.x.y.a.example"));
}

TEST(search_list, addresses_and_absolute_names_stand_for_themselves) {
  const search_list list{{"a.example"}, 5};
  for (const char* host : {"192.0.2.1", "2001:db8::1", "[2001:db8::1]", "ils."})
    EXPECT_THAT(list.names_for(host), ElementsAre(host));
}

struct searching : testing::Test {
  searching() : server{loop} {
    options.servers = {server.socket->local()};
    options.hosts_path = "";
    std::ofstream{path} << "nameserver 192.0.2.1\nsearch one.example two.example\n";
  }
  ~searching() override { std::remove(path.c_str()); }
  resolver::answer find(std::string_view host, duration limit = seconds{10}) {
    resolver names{loop, options};
    return find_by_search(loop, names, search_list::read(path), host, limit);
  }

  const std::string path = testing::TempDir() + "/tandem_resolv_" + std::to_string(::getpid());
  io::shard loop;
  for_test::name_server server;
  resolver_options options;
};

TEST_F(searching, the_first_domain_that_has_the_name_wins_with_all_its_addresses) {
  server.table["ils.one.example"] = {{}}; // it is there, without an address
  server.table["ils.two.example"] = {{"192.0.2.2", "2001:db8::2"}};
  server.table["ils"] = {.addresses = {"192.0.2.3"}};
  const auto found = find("ils");
  ASSERT_TRUE(found);
  EXPECT_THAT(*found,
              ElementsAre(*ip_address::parse("192.0.2.2"), *ip_address::parse("2001:db8::2")));
  EXPECT_FALSE(server.asked.contains("ils"));
}

TEST_F(searching, a_name_that_a_server_cannot_tell_is_looked_for_elsewhere) {
  server.table["ils.one.example"] = {.addresses = {}, .code = 2};
  EXPECT_NE(find("ils").error(), resolve_error::not_found);
  server.table["ils"] = {.addresses = {"192.0.2.3"}};
  EXPECT_TRUE(find("ils"));
  EXPECT_EQ(find("nobody").error(), resolve_error::not_found);
}

TEST_F(searching, a_server_that_is_silent_ends_the_search_at_its_limit) {
  server.table["ils.one.example"] = {.addresses = {}, .is_silent = true};
  EXPECT_EQ(find("ils", milliseconds{20}).error(), resolve_error::timed_out);
  EXPECT_FALSE(server.asked.contains("ils.two.example"));
}

TEST_F(searching, the_hosts_file_is_asked_before_any_domain) {
  options.hosts_path = path + ".hosts";
  std::ofstream{options.hosts_path} << "127.0.0.9 ils\n";
  EXPECT_EQ(find("ils").value().front(), *ip_address::parse("127.0.0.9"));
  EXPECT_TRUE(server.asked.empty());
  std::remove(options.hosts_path.c_str());
}

TEST_F(searching, a_domain_that_is_none_says_nothing_of_the_name) {
  std::ofstream{path} << "search one.example #\n";
  EXPECT_EQ(find("nobody").error(), resolve_error::not_found);
}

TEST_F(searching, a_file_that_cannot_be_read_is_an_empty_one) {
  EXPECT_EQ(search_list::read(testing::TempDir()).ndots, 1U);
  EXPECT_EQ(search_list::read(path + ".none").ndots, 1U);
  std::ofstream{path} << "";
  EXPECT_EQ(search_list::read(path + ".none").domains, search_list::read(path).domains);
}

} // namespace
} // namespace tandem::names

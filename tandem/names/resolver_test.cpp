// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/names/hosts_file.hpp>
#include <tandem/names/name_server_for_test.hpp>
#include <tandem/names/resolver.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <new>

namespace tandem::names {
namespace {

using for_test::name_server;

struct resolving : ::testing::Test {
  resolving() : server{s} {
    options.servers = {server.socket->local()};
    options.hosts_path = "";
    options.timeout = seconds{5};
  }
  resolver& dns() {
    if (!made) made = std::make_unique<resolver>(s, options);
    return *made;
  }
  std::string look_up(const std::string& name, address_family wanted = address_family::any) {
    std::string text;
    bool done = false;
    dns().resolve(name, wanted, [&](const resolver::answer& a) {
      done = true;
      if (!a)
        text = to_string(a.error());
      else
        for (const auto& ip : *a) text += (text.empty() ? "" : " ") + ip.to_string();
    });
    EXPECT_FALSE(done) << "not from inside";
    EXPECT_TRUE(s.run_until([&] { return done; }));
    return text;
  }
  io::shard s;
  name_server server;
  resolver_options options;
  std::unique_ptr<resolver> made;
};

TEST_F(resolving, finds_addresses_of_both_families) {
  server.table["sip.example.com"] = {{"2001:db8::1", "192.0.2.1", "192.0.2.2"}};
  EXPECT_EQ(look_up("sip.example.com"), "192.0.2.1 192.0.2.2 2001:db8::1");
  EXPECT_EQ(look_up("sip.example.com", address_family::v6), "2001:db8::1");
  EXPECT_EQ(look_up("SIP.Example.COM.", address_family::v4), "192.0.2.1 192.0.2.2");
  EXPECT_EQ(server.asked["sip.example.com"], 2) << "once for each family";
}

TEST_F(resolving, is_content_with_one_family) {
  server.table["four.example.com"] = {{"192.0.2.1"}};
  EXPECT_EQ(look_up("four.example.com"), "192.0.2.1");
  EXPECT_EQ(look_up("four.example.com", address_family::v6), "there is no such host");
}

TEST_F(resolving, asks_nobody_about_addresses_and_what_is_no_name) {
  EXPECT_EQ(look_up("192.0.2.9"), "192.0.2.9");
  EXPECT_EQ(look_up("[2001:db8::9]"), "2001:db8::9");
  EXPECT_EQ(look_up("192.0.2.9", address_family::v6), "there is no such host");
  for (const char* bad : {"", ".", "a..b", "a b", "a\r\nb", "sip:x", "\xc3\xa4.example.com"})
    EXPECT_EQ(look_up(bad), "this is not a host name") << bad;
  EXPECT_EQ(look_up(std::string(64, 'a')), "this is not a host name");
  EXPECT_TRUE(server.asked.empty());
}

TEST_F(resolving, shares_a_question_that_is_on_its_way) {
  server.table["a.example.com"] = {{"192.0.2.1"}};
  int done = 0;
  for (int i = 0; i < 10; ++i)
    dns().resolve("a.example.com", address_family::v4, [&](const auto& a) {
      EXPECT_TRUE(a);
      ++done;
    });
  ASSERT_TRUE(s.run_until([&] { return done == 10; }));
  EXPECT_EQ(server.asked["a.example.com"], 1);
}

TEST_F(resolving, remembers_an_answer_for_its_ttl_and_no_longer) {
  server.table["short.example.com"] = {{"192.0.2.1"}, 1};
  EXPECT_EQ(look_up("short.example.com", address_family::v4), "192.0.2.1");
  EXPECT_TRUE(dns().find("short.example.com", address_family::v4));
  server.table["short.example.com"] = {{"192.0.2.2"}, 1};
  struct ticking final : timer {
    explicit ticking(io::shard& of) : loop{of} { on_timer(tandem::now()); }
    void on_timer(instant now) override { loop.timers().arm(*this, now + milliseconds{100}); }
    io::shard& loop;
  } ticker{s};
  ASSERT_TRUE(s.run_until([&] { return !dns().find("short.example.com", address_family::v4); }));
  EXPECT_EQ(look_up("short.example.com", address_family::v4), "192.0.2.2");
}

TEST_F(resolving, tells_failures_apart_and_remembers_them_briefly) {
  server.table["broken.example.com"] = {{}, 60, 2, false};
  server.table["silent.example.com"] = {{}, 60, 0, true};
  EXPECT_EQ(look_up("nobody.example.com", address_family::v4), "there is no such host");
  EXPECT_EQ(look_up("nobody.example.com", address_family::v4), "there is no such host");
  EXPECT_EQ(server.asked["nobody.example.com"], 1);
  EXPECT_NE(look_up("broken.example.com", address_family::v4), "there is no such host");
  options.tries = 1;
  options.timeout = milliseconds{50};
  made.reset();
  EXPECT_EQ(look_up("silent.example.com", address_family::v4), "no name server answers");
}

TEST_F(resolving, is_bounded_in_questions_and_in_memory) {
  options.in_flight = 3;
  options.cached = 4;
  server.table["silent.example.com"] = {{}, 60, 0, true};
  for (int i = 0; i < 20; ++i)
    server.table["n" + std::to_string(i) + ".example.com"] = {{"192.0.2.1"}};
  int busy = 0;
  int done = 0;
  for (int i = 0; i < 5; ++i)
    dns().resolve("n" + std::to_string(i) + ".example.com", address_family::v4, [&](const auto& a) {
      ++done;
      if (!a && a.error() == resolve_error::busy) ++busy;
    });
  ASSERT_TRUE(s.run_until([&] { return done == 5; }));
  EXPECT_EQ(busy, 2);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(look_up("n" + std::to_string(i) + ".example.com", address_family::v4), "192.0.2.1");
  EXPECT_LE(dns().cache_size(), 4U);
}

TEST_F(resolving, forgets_who_cancels_and_who_is_gone) {
  server.table["a.example.com"] = {{"192.0.2.1"}};
  bool called = false;
  const auto asked =
      dns().resolve("a.example.com", address_family::any, [&](const auto&) { called = true; });
  dns().cancel(asked);
  EXPECT_EQ(look_up("a.example.com"), "192.0.2.1");
  EXPECT_FALSE(called);
  dns().resolve("b.example.com", address_family::any, [&](const auto&) { called = true; });
  dns().resolve("192.0.2.1", address_family::any, [&](const auto&) { called = true; });
  made.reset();
  bool passed = false;
  s.post([&] { passed = true; });
  ASSERT_TRUE(s.run_until([&] { return passed; }));
  EXPECT_FALSE(called);
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
// Through the name server's library, written in C, no exception may pass.
TEST_F(resolving, answers_once_whichever_allocation_of_a_look_up_fails) {
  using tandem::for_test::allocations;
  using tandem::for_test::failing_allocation;
  server.table["sip.example.com"] = {{"192.0.2.1", "2001:db8::1"}};
  options.timeout = milliseconds{100}; // a socket that could not be watched does not answer
  options.tries = 2;
  bool has_failed_all = false;
  for (std::size_t n = 1; !has_failed_all; ++n) {
    ASSERT_LT(n, 2000U);
    made.reset();
    resolver& fresh = dns();
    int answers = 0;
    bool is_asked = false;
    const std::size_t before = allocations;
    failing_allocation = before + n;
    try {
      fresh.resolve("sip.example.com", address_family::any, [&](const auto&) { ++answers; });
      is_asked = true;
    } catch (const std::bad_alloc&) {
    }
    if (is_asked) s.run_until([&] { return answers != 0; });
    has_failed_all = allocations < failing_allocation;
    failing_allocation = 0;
    EXPECT_EQ(answers, is_asked ? 1 : 0) << "allocation " << n;
    // What it leaves behind holds up nobody.
    EXPECT_FALSE(look_up("sip.example.com").empty()) << "allocation " << n;
  }
}
#endif

TEST_F(resolving, believes_the_hosts_file_first) {
  const std::string path = ::testing::TempDir() + "/tandem_hosts_" + std::to_string(getpid());
  std::ofstream{path} << "# the operator's own\n127.0.0.9\tsip.example.com phone # desk\n"
                         "::9 sip.example.com\nnonsense line\n";
  options.hosts_path = path;
  server.table["sip.example.com"] = {{"192.0.2.1"}};
  EXPECT_EQ(look_up("SIP.example.com"), "127.0.0.9 ::9");
  EXPECT_EQ(look_up("phone"), "127.0.0.9");
  EXPECT_EQ(look_up("phone", address_family::v6), "there is no such host");
  EXPECT_TRUE(server.asked.empty());
  std::remove(path.c_str());
}

TEST(hosts_file, is_looked_at_once_a_second_at_most) {
  const std::string path = ::testing::TempDir() + "/tandem_hosts_" + std::to_string(getpid());
  std::ofstream{path} << "127.0.0.1 old\n";
  hosts_file hosts{path};
  const instant begun = tandem::now();
  EXPECT_TRUE(hosts.find("old", begun));
  std::ofstream{path} << "127.0.0.1 young\n";
  namespace fs = std::filesystem;
  fs::last_write_time(path, fs::last_write_time(path) + seconds{5});
  EXPECT_FALSE(hosts.find("young", begun + milliseconds{999}));
  EXPECT_TRUE(hosts.find("young", begun + seconds{1}));
  std::remove(path.c_str());
}

TEST(hosts_file, reads_the_file_of_this_host) {
  hosts_file hosts{"/etc/hosts"};
  const auto* found = hosts.find("localhost", tandem::now());
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->front().is_loopback());
  EXPECT_FALSE(hosts.find("desk", tandem::now()));
}

} // namespace
} // namespace tandem::names

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
  /// "0 10 5060 a.example.com" for each SRV, "10 20 s SIP+D2U _sip._udp.example.com" for each
  /// NAPTR.
  std::string services(const std::string& name, record_type type) {
    std::string text;
    bool done = false;
    dns().look_up(name, type, [&](resolver::records&& found) {
      done = true;
      if (!found) {
        text = to_string(found.error());
        return;
      }
      for (const auto& r : found->servers)
        text += (text.empty() ? "" : ", ") + std::to_string(r.priority) + ' ' +
                std::to_string(r.weight) + ' ' + std::to_string(r.port) + ' ' + r.target;
      for (const auto& r : found->services)
        text += (text.empty() ? "" : ", ") + std::to_string(r.order) + ' ' +
                std::to_string(r.preference) + ' ' + r.flags + ' ' + r.services + ' ' +
                r.replacement;
    });
    EXPECT_FALSE(done) << "not from inside";
    EXPECT_TRUE(s.run_until([&] { return done; }));
    return text;
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
  server.table["broken.example.com"].code = 2;
  server.table["silent.example.com"].is_silent = true;
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
  server.table["silent.example.com"].is_silent = true;
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

TEST_F(resolving, finds_servers_and_services_those_to_be_tried_first_before_others) {
  server.table["_sip._udp.example.com"].servers = {{20, 0, 5060, "c.example.com"},
                                                   {10, 5, 5060, "A.example.com"},
                                                   {10, 1, 5070, "b.example.com"},
                                                   {30, 0, 0, ""}};
  server.table["example.com"].services = {{20, 1, "s", "SIP+D2T", false, "_sip._tcp.example.com"},
                                          {10, 2, "S", "SIP+D2U", false, "_sip._udp.example.com"},
                                          {10, 1, "s", "SIPS+D2T", true, ""}};
  EXPECT_EQ(services("_SIP._udp.example.com", record_type::srv),
            "10 5 5060 a.example.com, 10 1 5070 b.example.com, 20 0 5060 c.example.com, 30 0 0 ");
  EXPECT_EQ(services("example.com", record_type::naptr),
            "10 1 s SIPS+D2T , 10 2 S SIP+D2U _sip._udp.example.com, "
            "20 1 s SIP+D2T _sip._tcp.example.com");
  EXPECT_TRUE((*dns().find("example.com", record_type::naptr))->services[0].has_regexp);
  EXPECT_EQ(server.asked["example.com"], 1) << "the second time it is known";
  EXPECT_EQ(services("example.com", record_type::srv), "there is no such host");
  EXPECT_EQ(services("_sip._tcp.example.com", record_type::srv), "there is no such host");
}

TEST_F(resolving, asks_nobody_for_services_of_addresses_and_of_hosts_of_the_operator) {
  const std::string path = ::testing::TempDir() + "/tandem_hosts_" + std::to_string(getpid());
  std::ofstream{path} << "127.0.0.9 sip.example.com\n";
  options.hosts_path = path;
  EXPECT_EQ(services("sip.example.com", record_type::naptr), "there is no such host");
  EXPECT_EQ(services("_sip._udp.sip.example.com", record_type::srv), "there is no such host");
  EXPECT_EQ(services("192.0.2.1", record_type::naptr), "there is no such host");
  EXPECT_EQ(services("a b", record_type::srv), "this is not a host name");
  EXPECT_TRUE(server.asked.empty());
  std::remove(path.c_str());
}

TEST_F(resolving, follows_aliases_but_not_for_ever) {
  server.table["www.example.com"].alias = "a.example.com";
  server.table["a.example.com"].alias = "b.example.com";
  server.table["b.example.com"].addresses = {"192.0.2.1"};
  EXPECT_EQ(look_up("www.example.com", address_family::v4), "192.0.2.1");
  server.table["one.example.com"].alias = "two.example.com";
  server.table["two.example.com"].alias = "one.example.com";
  EXPECT_EQ(look_up("one.example.com", address_family::v4), "the name servers cannot tell");
  server.table["self.example.com"].alias = "self.example.com";
  EXPECT_EQ(look_up("self.example.com", address_family::v4), "the name servers cannot tell");
  for (int i = 0; i < 12; ++i)
    server.table["n" + std::to_string(i) + ".example.com"].alias =
        "n" + std::to_string(i + 1) + ".example.com";
  server.table["n12.example.com"].addresses = {"192.0.2.1"};
  EXPECT_EQ(look_up("n0.example.com", address_family::v4), "the name servers cannot tell");
}

TEST_F(resolving, believes_nothing_about_names_that_it_did_not_ask_for) {
  const std::string poison =
      for_test::wire_record("bank.example.com", 1, 86'400, std::string{"\x06\x06\x06\x06", 4});
  server.table["sip.example.com"].addresses = {"192.0.2.1"};
  server.table["sip.example.com"].poison = poison;
  server.table["bank.example.com"].addresses = {"192.0.2.9"};
  server.table["empty.example.com"].poison = poison;
  EXPECT_EQ(look_up("sip.example.com", address_family::v4), "192.0.2.1");
  EXPECT_FALSE(dns().find("bank.example.com", address_family::v4));
  EXPECT_EQ(look_up("bank.example.com", address_family::v4), "192.0.2.9");
  EXPECT_EQ(look_up("empty.example.com", address_family::v4), "there is no such host");
}

TEST_F(resolving, asks_by_tcp_what_is_too_long_and_keeps_a_part_of_a_thousand_records) {
  auto& many = server.table["many.example.com"];
  auto& servers = server.table["_sip._udp.example.com"].servers;
  for (unsigned i = 0; i < 1'000; ++i) {
    many.addresses.push_back(
        ip_address::v4(10, 0, std::uint8_t(i >> 8U), std::uint8_t(i)).to_string());
    servers.push_back({std::uint16_t(1'000 - i), 0, 5060, "n.example.com"});
  }
  ASSERT_TRUE(look_up("many.example.com", address_family::v4).starts_with("10.0.0.0 10.0.0.1 "));
  EXPECT_EQ((*dns().find("many.example.com", address_family::v4))->size(), most_records);
  ASSERT_TRUE(services("_sip._udp.example.com", record_type::srv).starts_with("1 0 5060 "))
      << "what is to be tried first is not cut off";
  EXPECT_EQ((*dns().find("_sip._udp.example.com", record_type::srv))->servers.size(), most_records);
  EXPECT_EQ(server.truncated, 2);
  EXPECT_EQ(server.asked_by_stream, 2);
}

TEST_F(resolving, keeps_what_is_not_there_no_longer_than_the_zone_says) {
  options.negative_ttl = seconds{3'600};
  server.table["soon.example.com"].negative_ttl = 1;
  server.table["later.example.com"].negative_ttl = 86'400;
  EXPECT_EQ(services("soon.example.com", record_type::naptr), "there is no such host");
  EXPECT_EQ(services("later.example.com", record_type::naptr), "there is no such host");
  struct ticking final : timer {
    explicit ticking(io::shard& of) : loop{of} { on_timer(tandem::now()); }
    void on_timer(instant now) override { loop.timers().arm(*this, now + milliseconds{100}); }
    io::shard& loop;
  } ticker{s};
  ASSERT_TRUE(s.run_until([&] { return !dns().find("soon.example.com", record_type::naptr); }));
  EXPECT_TRUE(dns().find("later.example.com", record_type::naptr));
}

TEST_F(resolving, takes_what_is_no_answer_for_a_failure) {
  // One question, one answer whose name points to itself.
  server.table["loop.example.com"].reply = std::string{"\x81\x80\0\1\0\1\0\0\0\0", 10} +
                                           for_test::wire_name("loop.example.com") +
                                           std::string{"\0\1\0\1", 4} + std::string{"\xc0\x22", 2};
  EXPECT_EQ(look_up("loop.example.com", address_family::v4), "the name servers cannot tell");
  EXPECT_EQ(dns().counters().failures, 1U);
}

TEST_F(resolving, answers_others_while_a_name_gets_no_answer) {
  server.table["silent.example.com"].is_silent = true;
  server.table["sip.example.com"].addresses = {"192.0.2.1"};
  bool is_answered = false;
  for (int i = 0; i < 100; ++i)
    dns().look_up("silent.example.com", record_type::naptr,
                  [&](const auto&) { is_answered = true; });
  EXPECT_EQ(look_up("sip.example.com", address_family::v4), "192.0.2.1");
  EXPECT_FALSE(is_answered);
  EXPECT_EQ(dns().in_flight(), 1U);
}

TEST_F(resolving, is_bounded_in_bytes) {
  options.cached_bytes = 20'000;
  for (unsigned n = 0; n < 20; ++n) {
    const std::string name = "_sip._udp.n" + std::to_string(n) + ".example.com";
    for (unsigned i = 0; i < 32; ++i)
      server.table[name].servers.push_back({1, 1, 5060, std::string(60, 'a') + ".example.com"});
    EXPECT_TRUE(services(name, record_type::srv).starts_with("1 1 5060 aaa"));
    EXPECT_LE(dns().cache_bytes(), 20'000U);
  }
  EXPECT_GT(dns().cache_size(), 1U);
  EXPECT_LT(dns().cache_size(), 10U);
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

// SPDX-License-Identifier: Apache-2.0
// Answers of name servers, whole, cut and broken.
#include <tandem/names/dns_answer.hpp>
#include <tandem/names/name_server_for_test.hpp>

#include <gtest/gtest.h>

namespace tandem::names {
namespace {

using namespace for_test;

std::string header(unsigned answers, unsigned authorities = 0) {
  return wire_16(7) + wire_16(0x8180) + wire_16(1) + wire_16(answers) + wire_16(authorities) +
         wire_16(0);
}
std::string question(std::string_view name, unsigned type) {
  return wire_name(name) + wire_16(type) + wire_16(1);
}
std::string naptr_answer() {
  const naptr_record udp{10, 20, "s", "SIP+D2U", false, "_sip._udp.example.com"};
  return header(2) + question("example.com", 35) +
         wire_record("Example.COM", 35, 300, wire_data(udp)) +
         wire_record("example.com", 35, 120, wire_data(naptr_record{20, 1, "u", "x", true, ""}));
}

TEST(dns_answer, has_the_records_of_the_name_with_the_shortest_of_their_lives) {
  const auto found = read_answer(naptr_answer(), "example.com", record_type::naptr);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->records.services.size(), 2U);
  EXPECT_EQ(found->records.services[0].services, "SIP+D2U");
  EXPECT_EQ(found->records.services[0].replacement, "_sip._udp.example.com");
  EXPECT_TRUE(found->records.services[1].has_regexp);
  EXPECT_EQ(found->ttl, seconds{120});
}

TEST(dns_answer, cut_anywhere_is_broken_or_has_fewer_records) {
  const std::string whole = naptr_answer();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto found = read_answer(whole.substr(0, size), "example.com", record_type::naptr);
    ASSERT_FALSE(found) << size;
    EXPECT_EQ(found.error(), answer_fault::broken);
  }
}

TEST(dns_answer, with_any_byte_changed_ends) {
  const std::string whole = naptr_answer();
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const unsigned value : {0U, 1U, 63U, 64U, 0xc0U, 0xffU}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(value);
      const auto found = read_answer(changed, "example.com", record_type::naptr);
      EXPECT_TRUE(!found || found->records.services.size() <= 2);
    }
}

TEST(dns_answer, takes_compressed_names_and_pointers_backwards_only_rfc1035_4_1_4) {
  const std::string head = header(1) + question("example.com", 33);
  const auto with_target = [&](std::string_view target) {
    return read_answer(head + "\xc0\x0c" + wire_16(33) + wire_16(1) + wire_32(60) +
                           wire_16(static_cast<unsigned>(6 + target.size())) + wire_16(1) +
                           wire_16(2) + wire_16(5060) + std::string{target},
                       "example.com", record_type::srv);
  };
  const auto found = with_target("\x03sip\xc0\x0c");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->records.servers.size(), 1U);
  EXPECT_EQ(found->records.servers[0].target, "sip.example.com");
  // To itself, and ahead: the record is not read, and nothing runs for ever.
  for (const char* bad : {"\x03sip\xc0\x2f", "\xc0\x2f", "\xff\xff", "\x03sip\xc0"}) {
    const auto broken = with_target(bad);
    EXPECT_TRUE(!broken || broken->records.empty());
  }
}

TEST(dns_answer, reads_aliases_in_any_order) {
  const std::string bytes =
      header(3) + question("a.example.com", 1) +
      wire_record("c.example.com", 1, 60, std::string{"\xc0\x00\x02\x01", 4}) +
      wire_record("b.example.com", 5, 7, wire_name("c.example.com")) +
      wire_record("a.example.com", 5, 600, wire_name("b.example.com"));
  const auto found = read_answer(bytes, "a.example.com", record_type::a);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->records.addresses.size(), 1U);
  EXPECT_EQ(found->records.addresses[0].to_string(), "192.0.2.1");
  EXPECT_EQ(found->ttl, seconds{7});
}

TEST(dns_answer, skips_what_is_of_other_classes_types_sizes_and_names) {
  const std::string ip{"\xc0\x00\x02\x01", 4};
  std::string chaos = wire_record("example.com", 1, 60, ip);
  chaos[wire_name("example.com").size() + 3] = 3;
  const std::string bytes =
      header(4) + question("example.com", 1) + chaos + wire_record("example.com", 1, 60, ip + "x") +
      wire_record("example.com", 28, 60, ip) + wire_record("other.com", 1, 60, ip);
  const auto found = read_answer(bytes, "example.com", record_type::a);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->records.empty());
  EXPECT_FALSE(found->ttl);
}

TEST(dns_answer, takes_no_target_that_is_no_host_name) {
  const auto with_target = [](std::string_view target) {
    const std::string data = wire_16(1) + wire_16(2) + wire_16(5060) + std::string{target};
    const auto found = read_answer(header(1) + question("example.com", 33) +
                                       wire_record("example.com", 33, 60, data),
                                   "example.com", record_type::srv);
    return found && !found->records.servers.empty();
  };
  EXPECT_TRUE(with_target(wire_name("sip.example.com")));
  EXPECT_TRUE(with_target(wire_name("")));
  EXPECT_FALSE(with_target(wire_name("a\r\nb.example.com")));
  EXPECT_FALSE(with_target(wire_text("a.b") + '\0'));
  std::string longest;
  for (int i = 0; i < 5; ++i) longest += wire_text(std::string(63, 'a'));
  EXPECT_FALSE(with_target(longest + '\0'));
}

TEST(dns_answer, says_for_how_long_there_is_none_rfc2308_5) {
  const std::string soa = wire_name("ns.example.com") + wire_name("root.example.com") + wire_32(1) +
                          wire_32(2) + wire_32(3) + wire_32(4) + wire_32(30);
  const auto found = read_answer(header(0, 1) + question("example.com", 35) +
                                     wire_record("example.com", 6, 3'600, soa),
                                 "example.com", record_type::naptr);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->records.empty());
  EXPECT_EQ(found->ttl, seconds{30});
}

TEST(canonical_name, is_in_lower_case_without_the_final_dot) {
  EXPECT_EQ(canonical_name("_SIP._Udp.Example.COM."), "_sip._udp.example.com");
  for (const char* bad : {"", ".", "a..b", ".a", "a b", "a\r\nb", "sip:x"})
    EXPECT_EQ(canonical_name(bad), "") << bad;
  EXPECT_EQ(canonical_name(std::string(64, 'a')), "");
}

} // namespace
} // namespace tandem::names

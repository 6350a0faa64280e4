// SPDX-License-Identifier: Apache-2.0
// There is a short way for what nearly every message looks like and a general one for the rest:
// both tell the same, of whole messages and of what changed bytes make of them.
#include <tandem/sip/headers.hpp>
#include <tandem/sip/parsed_for_test.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

using for_test::parsed;

constexpr std::string_view start_line = "INVITE sip:bob@biloxi.example SIP/2.0\r\n";

constexpr std::array<std::string_view, 24> names{"Via",
                                                 "v",
                                                 "From",
                                                 "f",
                                                 "To",
                                                 "t",
                                                 "Call-ID",
                                                 "i",
                                                 "CSeq",
                                                 "Contact",
                                                 "m",
                                                 "Subject",
                                                 "s",
                                                 "Content-Type",
                                                 "c",
                                                 "WWW-Authenticate",
                                                 "P-Asserted-Identity",
                                                 "P-Charging-Function-Addresses",
                                                 "X",
                                                 "X-Unknown",
                                                 "X-A-Name-Of-Thirty-One-Letters-",
                                                 "X-A-Name-Of-Thirty-Two-Letters--",
                                                 "Security-Verify",
                                                 "Reply-To"};

constexpr std::array<std::string_view, 10> values{
    "SIP/2.0/UDP proxy.atlanta.example.com:5060;branch=z9hG4bK2d4790.1;received=192.0.2.111",
    "SIP/2.0/TCP 192.0.2.101:5062;rport;branch=z9hG4bK_74bf9",
    "\"Alice Liddell\" <sip:alice@atlanta.example.com>;tag=9fxced76sl",
    "Bob <sip:bob@biloxi.example.com>;tag=314159",
    "<sip:carol@[2001:db8::1]:5061;transport=tcp>",
    "sip:dave@example.org;x=\"a;b\";tag=a~b",
    "3848276298220188511@atlanta.example.com",
    "4711 INVITE",
    "",
    "a text of several words, with a comma"};

/// Changes a few bytes to others that leave the line a line.
std::string changed(std::string text, std::mt19937& random) {
  constexpr std::string_view odd = "\t !\"%(),./0129:;<=>?@ABTZ[\\]_`abgtz{}~\x7f\x80\xff";
  for (auto n = random() % 4; n != 0; --n) {
    const auto at = random() % (text.size() + 1);
    const char one = odd[random() % odd.size()];
    switch (random() % 3) {
    case 0: text.insert(at, 1, one); break;
    case 1: text.erase(at, 1); break;
    default:
      if (at < text.size()) text[at] = one;
    }
  }
  return text;
}

TEST(message_paths, find_the_same_in_a_line_whether_it_is_usual_or_not) {
  std::mt19937 random{1};
  for (int round = 0; round < 20'000; ++round) {
    const std::string name = changed(std::string{names[random() % names.size()]}, random);
    if (name.find(':') != std::string::npos) continue;
    const std::string value = changed(std::string{values[random() % values.size()]}, random);
    const std::string rest = value + std::string(random() % 20, ' ') + "\r\nl: 0\r\n\r\n";
    const message usual = parsed(std::string{start_line}.append(name).append(": ").append(rest));
    // The blank before the colon is legal, and rare (RFC 3261 7.3.1).
    const message odd = parsed(std::string{start_line}.append(name).append(" : ").append(rest));
    ASSERT_EQ(usual.header_count(), odd.header_count()) << name << ": " << value;
    for (std::size_t i = 0; i < usual.header_count(); ++i) {
      EXPECT_EQ(usual.header(i).id, odd.header(i).id) << name << ": " << value;
      EXPECT_EQ(usual.header(i).name, odd.header(i).name) << name << ": " << value;
      EXPECT_EQ(usual.header(i).value, odd.header(i).value) << name << ": " << value;
    }
  }
}

TEST(message_paths, know_every_header_by_its_names_in_any_case) {
  for (std::size_t i = 1; i < header_count; ++i) {
    const auto id = static_cast<header_id>(i);
    std::string name{to_string(id)};
    for (char& c : name) c = to_lower(c);
    for (const std::string& line : {std::string{to_string(id)}, name, name + " "}) {
      const message msg = parsed(std::string{start_line} + line + ":v\r\ns: x\r\n\r\n");
      EXPECT_EQ(msg.id(0), id) << line;
      EXPECT_EQ(msg.value(0), "v") << line;
    }
    // A byte that differs from '-' or a letter in no more than the bit that tells cases apart.
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string other = name;
      other[at] = static_cast<char>(other[at] ^ (is_alpha(other[at]) ? 0x40 : 0x20));
      if (other[at] == ':' || other[at] == '\r' || other[at] == '\n') continue;
      const message msg = parsed(std::string{start_line} + other + ":v\r\ns: x\r\n\r\n");
      EXPECT_NE(msg.header_count() == 2 ? msg.id(0) : header_id::unknown, id) << other;
    }
  }
}

TEST(message_paths, read_the_same_tags_and_branch_as_the_typed_values) {
  std::mt19937 random{2};
  for (int round = 0; round < 20'000; ++round) {
    const std::string via = changed(std::string{values[random() % 2]}, random);
    const std::string from = changed(std::string{values[2 + random() % 4]}, random);
    const std::string to = changed(std::string{values[2 + random() % 4]}, random);
    const message msg = parsed(std::string{start_line}
                                   .append("Via: ")
                                   .append(via)
                                   .append("\r\nFrom: ")
                                   .append(from)
                                   .append("\r\nTo: ")
                                   .append(to)
                                   .append("\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n"));
    if (const auto typed = name_addr::parse(from)) {
      EXPECT_EQ(msg.from_tag(), typed->params.value("tag")) << from;
    }
    if (const auto typed = name_addr::parse(to)) {
      EXPECT_EQ(msg.to_tag(), typed->params.value("tag")) << to;
    }
    const auto key = msg.key();
    const auto top = via::parse(via);
    if (!key || !top) continue;
    EXPECT_EQ(key->branch, top->params.value("branch")) << via;
    EXPECT_EQ(key->sent_by_port, top->sent_by.port.value_or(0)) << via;
    EXPECT_EQ(msg.get<hdr::via>()->transport, top->transport) << via;
    EXPECT_EQ(msg.get<hdr::via>()->sent_by.host.text, top->sent_by.host.text) << via;
  }
}

} // namespace
} // namespace tandem::sip

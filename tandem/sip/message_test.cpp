// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/headers.hpp>
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/parsed_for_test.hpp>
#include <tandem/sip/single_values.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace tandem::sip {
namespace {

using for_test::parsed;

const std::string full_invite =
    "INVITE sip:bob@biloxi.example SIP/2.0\r\n"
    "Via: SIP/2.0/UDP proxy.example:5070;branch=z9hG4bKp1;rport,\r\n"
    " SIP/2.0/TCP [2001:db8::9]:5060;branch=z9hG4bKa1;received=192.0.2.1\r\n"
    "v:SIP/2.0/TLS pc33.atlanta.example ;branch=z9hG4bKa0\r\n"
    "Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n"
    "Max-Forwards: 70\r\n"
    "f: \"Al, <tag=no>\" <sip:alice@atlanta.example;tag=no>;tag=88sja8x\r\n"
    "To : sip:bob@biloxi.example\r\n"
    "Call-ID:\t987asjd97y7atg\r\n"
    "CSeq: 986759 INVITE\r\n"
    "X-Custom: one, two  \r\n"
    "x-cUSTOM: three\r\n"
    "Subject:\r\n"
    "m: <sip:alice@pc33.atlanta.example>;q=0.5,<sips:a@b>;expires=60\r\n"
    "Content-Type: application/sdp\r\n"
    "l: 5\r\n"
    "\r\n"
    "v=0\r\n";

TEST(message, reads_the_parts_of_a_request_as_they_stand) {
  const message msg = parsed(full_invite);
  EXPECT_FALSE(msg.defect());
  EXPECT_TRUE(msg.is_request());
  EXPECT_EQ(msg.method(), method::invite);
  EXPECT_EQ(msg.method_text(), "INVITE");
  EXPECT_EQ(msg.request_uri(), "sip:bob@biloxi.example");
  EXPECT_EQ(msg.version(), "SIP/2.0");
  EXPECT_EQ(msg.header_count(), 14u);
  EXPECT_EQ(msg.header(5).name, "To");
  EXPECT_EQ(msg.header(5).value, "sip:bob@biloxi.example");
  EXPECT_EQ(msg.header(8).name, "X-Custom");
  EXPECT_EQ(msg.header(8).value, "one, two");
  EXPECT_EQ(msg.header(10).value, "");
  EXPECT_EQ(msg.body(), "v=0\r\n");
  std::vector<std::string> names;
  for (const header_line& h : msg.headers()) names.emplace_back(h.name);
  EXPECT_EQ(names.size(), 14u);
  EXPECT_EQ(names[1], "v");
}

TEST(message, reads_the_parts_of_a_response) {
  const message msg = parsed("SIP/2.0 404 Not Found  here\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(msg.is_response());
  EXPECT_EQ(msg.status(), 404);
  EXPECT_EQ(msg.reason(), "Not Found  here");
  EXPECT_EQ(msg.version(), "SIP/2.0");
  EXPECT_EQ(msg.method_text(), "");
  // RFC 4475 3.1.1.13: no phrase at all.
  for (const auto* text : {"SIP/2.0 100 \r\n\r\n", "SIP/2.0 100\r\n\r\n"}) {
    const message empty = parsed(text);
    EXPECT_EQ(empty.status(), 100);
    EXPECT_EQ(empty.reason(), "");
    EXPECT_FALSE(empty.defect());
    EXPECT_EQ(empty.to_string(), text);
  }
}

TEST(message, finds_headers_by_id_by_long_and_compact_name_and_in_any_case) {
  const message msg = parsed(full_invite);
  EXPECT_EQ(msg.count(header_id::via), 2u);
  EXPECT_EQ(msg.count("V"), 2u);
  EXPECT_EQ(msg.find("from"), 4u);
  EXPECT_EQ(msg.count("X-CUSTOM"), 2u);
  EXPECT_EQ(msg.nth("x-custom", 1), "three");
  EXPECT_EQ(msg.back("X-Custom"), "three");
  EXPECT_FALSE(msg.has("X-Custo"));
  EXPECT_EQ(msg.first("Subject"), "");
  EXPECT_EQ(msg.front("Subject"), std::nullopt);
}

TEST(message, splits_list_values_over_lines_and_commas_but_not_unknown_headers) {
  const message msg = parsed(full_invite);
  EXPECT_EQ(count_values(msg, header_id::via), 3u);
  EXPECT_EQ(count_values(msg, header_id::contact), 2u);
  EXPECT_EQ(count_values(msg, "X-Custom"), 2u);
  EXPECT_EQ(msg.front(header_id::route), "<sip:p1.example;lr>");
  EXPECT_EQ(msg.back(header_id::route), "<sip:p2.example;lr>");
  EXPECT_EQ(msg.back(header_id::via), "SIP/2.0/TLS pc33.atlanta.example ;branch=z9hG4bKa0");
}

TEST(message, gives_the_key_of_transaction_and_dialog) {
  const message msg = parsed(full_invite);
  const auto key = msg.key();
  ASSERT_TRUE(key);
  EXPECT_EQ(key->branch, "z9hG4bKp1");
  EXPECT_TRUE(has_magic_cookie(key->branch));
  EXPECT_EQ(key->sent_by_host, "proxy.example");
  EXPECT_EQ(key->sent_by_port, 5070);
  EXPECT_EQ(key->call_id, "987asjd97y7atg");
  EXPECT_EQ(key->from_tag, "88sja8x");
  EXPECT_EQ(key->to_tag, "");
  EXPECT_EQ(key->cseq, 986759u);
  EXPECT_EQ(key->cseq_method, method::invite);
  EXPECT_EQ(msg.from_tag(), "88sja8x");
}

TEST(message, names_the_header_that_the_key_lacks) {
  const std::string_view base[] = {"Via: SIP / 2.0 / UDP [::1] ; x=\"a;branch=no\" ; branch = b",
                                   "From: <sip:a@b>;tag=1", "To: <sip:b@c>", "Call-ID: 1",
                                   "CSeq: 1 OPTIONS"};
  const header_id ids[] = {header_id::via, header_id::from, header_id::to, header_id::call_id,
                           header_id::cseq};
  for (std::size_t missing = 0; missing <= std::size(base); ++missing) {
    std::string text = "OPTIONS sip:b SIP/2.0\r\n";
    for (std::size_t i = 0; i < std::size(base); ++i)
      if (i != missing) text += std::string{base[i]} + "\r\n";
    const message msg = parsed(text + "\r\n");
    const auto key = msg.key();
    if (missing < std::size(base)) {
      ASSERT_FALSE(key);
      EXPECT_EQ(key.error(), ids[missing]);
    } else {
      ASSERT_TRUE(key);
      EXPECT_EQ(key->branch, "b");
      EXPECT_EQ(key->sent_by_host, "[::1]");
    }
  }
}

TEST(message, types_values_when_asked_from_one_line_or_several) {
  const message msg = parsed(full_invite);
  const auto top = msg.get<hdr::via>();
  ASSERT_TRUE(top);
  EXPECT_EQ(top->branch(), "z9hG4bKp1");
  std::vector<std::string> branches;
  for (const auto& via : msg.all<hdr::via>()) {
    ASSERT_TRUE(via);
    branches.emplace_back(via->branch());
  }
  EXPECT_EQ(branches, (std::vector<std::string>{"z9hG4bKp1", "z9hG4bKa1", "z9hG4bKa0"}));
  EXPECT_EQ(msg.get<hdr::max_forwards>()->value, 70u);
  EXPECT_EQ(msg.get<hdr::cseq>()->number, 986759u);
  EXPECT_EQ(msg.get<hdr::from>()->tag(), "88sja8x");
  EXPECT_EQ(msg.get<hdr::expires>().error().code, parse_errc::empty);
  std::size_t contacts = 0;
  for (const auto& contact : msg.all<hdr::contact>()) contacts += contact.has_value();
  EXPECT_EQ(contacts, 2u);
}

TEST(message, unfolds_in_place_and_keeps_the_length) {
  const std::string text = "OPTIONS sip:a SIP/2.0\r\nSubject: one\r\n two\r\n\t three \r\n"
                           "l:\r\n 0\r\n\r\n";
  const message msg = parsed(text);
  EXPECT_FALSE(msg.defect());
  EXPECT_EQ(msg.first("s"), "one   two  \t three");
  EXPECT_EQ(msg.to_string().size(), text.size());
  EXPECT_EQ(msg.first("l"), "0");
  EXPECT_EQ(msg.header_count(), 2u);
}

TEST(message, writes_untouched_bytes_as_they_came) {
  std::string text = full_invite;
  const message msg = parsed(text);
  // A fold becomes blanks, nothing else changes.
  text.replace(text.find(",\r\n SIP"), 3, ",  ");
  EXPECT_EQ(msg.to_string(), text);
  EXPECT_EQ(msg.wire_size(), text.size());
}

TEST(message, drops_what_follows_the_content_length_and_blank_lines_before_the_start) {
  const message msg = parsed("\r\n\r\nOPTIONS sip:a SIP/2.0\r\nl: 2\r\n\r\nabcdef");
  EXPECT_EQ(msg.body(), "ab");
  EXPECT_EQ(msg.to_string(), "OPTIONS sip:a SIP/2.0\r\nl: 2\r\n\r\nab");
  EXPECT_FALSE(msg.defect());
}

struct fault {
  std::string_view text;
  parse_errc code;
  std::uint32_t offset;
};

TEST(message, keeps_the_first_fault_that_an_answer_is_owed_for) {
  using namespace std::string_view_literals;
  const fault faults[] = {
      {"A sip:a SIP/2.0\r\nl: 0\r\n"sv, parse_errc::incomplete, 23},
      {"A sip:a SIP/2.0\r\nl: 0"sv, parse_errc::incomplete, 21},
      {"A sip:a SIP/2.0\r\nno colon\r\n\r\n"sv, parse_errc::missing_colon, 17},
      {"A sip:a SIP/2.0\r\nno good: x\r\n\r\n"sv, parse_errc::bad_header_name, 17},
      {"A sip:a SIP/2.0\r\n: x\r\n\r\n"sv, parse_errc::bad_header_name, 17},
      {"A sip:a SIP/2.0\r\n v: x\r\n\r\n"sv, parse_errc::bad_header_name, 17},
      {"A sip:a SIP/2.0\r\ns: a\rb\r\n\r\n"sv, parse_errc::bare_cr, 21},
      {"A sip:a SIP/2.0\r\ns: a\nt: b\r\n\r\n"sv, parse_errc::bare_lf, 21},
      {"A sip:a SIP/2.0\r\ns: a\0b\r\n\r\n"sv, parse_errc::nul_byte, 21},
      {"A sip:a SIP/2.0\n\n"sv, parse_errc::bare_lf, 15},
      {"A sip:a SIP/2.0\r\ns: a\r\n\n"sv, parse_errc::bare_lf, 23},
      {"A sip:a SIP/2.0\r\nl: 1\r\n\r\n"sv, parse_errc::body_too_short, 25},
      {"A sip:a SIP/2.0\r\nl: -1\r\n\r\n"sv, parse_errc::bad_content_length, 20},
      {"A sip:a SIP/2.0\r\nl: 4294967296\r\n\r\n"sv, parse_errc::bad_content_length, 20},
      {"A sip:a SIP/2.0\r\nl: 0\r\nContent-Length : 1\r\n\r\nx"sv, parse_errc::conflicting_length,
       40},
      {"A sip:a SIP/2.0\r\nl: 0\r\nl: 0\r\n\r\n"sv, parse_errc::conflicting_length, 26},
      {"A  sip:a SIP/2.0\r\n\r\n"sv, parse_errc::bad_start_line, 2},
      {"A sip:a  SIP/2.0\r\n\r\n"sv, parse_errc::bad_start_line, 2},
      {"A sip:a SIP/2.0 \r\n\r\n"sv, parse_errc::bad_start_line, 15},
      {"A <sip:a> SIP/2.0\r\n\r\n"sv, parse_errc::bad_start_line, 2},
      {"A sip:a b SIP/2.0\r\n\r\n"sv, parse_errc::bad_start_line, 2},
      {"A sip:a SIP/7.0\r\n\r\n"sv, parse_errc::bad_version, 8},
      {"A@ sip:a SIP/2.0\r\n\r\n"sv, parse_errc::bad_method, 0},
  };
  for (const auto& f : faults) {
    const auto msg = message::parse(f.text);
    ASSERT_TRUE(msg) << f.text;
    ASSERT_TRUE(msg->defect()) << f.text;
    EXPECT_EQ(msg->defect()->code, f.code) << f.text;
    EXPECT_EQ(msg->defect()->offset, f.offset) << f.text;
  }
}

TEST(message, is_none_when_nobody_can_be_answered) {
  const fault faults[] = {
      {"", parse_errc::empty, 0},
      {"\r\n\r\n", parse_errc::empty, 0},
      {"GET / HTTP/1.1\r\n\r\n", parse_errc::bad_start_line, 5},
      {"INVITE sip:a\r\n\r\n", parse_errc::bad_start_line, 0},
      {"hello", parse_errc::bad_start_line, 0},
      {"SIP/2.0 4294967301 x\r\n\r\n", parse_errc::bad_status_code, 7},
      {"SIP/2.0 099 x\r\n\r\n", parse_errc::bad_status_code, 8},
      {"SIP/2.0 700 x\r\n\r\n", parse_errc::bad_status_code, 8},
      {"SIP/2.0 20 x\r\n\r\n", parse_errc::bad_status_code, 7},
      {"SIP/2.0200 x\r\n\r\n", parse_errc::bad_status_code, 7},
      {"SIP/3.0 200 x\r\n\r\n", parse_errc::bad_version, 0},
  };
  for (const auto& f : faults) {
    const auto msg = message::parse(f.text);
    ASSERT_FALSE(msg) << f.text;
    EXPECT_EQ(msg.error().code, f.code) << f.text;
    EXPECT_EQ(msg.error().offset, f.offset) << f.text;
  }
  EXPECT_EQ(message::parse(std::string(65'536, 'a')).error().code, parse_errc::too_large);
}

TEST(message, has_at_most_200_header_lines) {
  std::string text = "OPTIONS sip:a SIP/2.0\r\n";
  for (int i = 0; i < 200; ++i) text += "a" + std::to_string(i) + ": b\r\n";
  EXPECT_FALSE(parsed(text + "\r\n").defect());
  EXPECT_EQ(parsed(text + "\r\n").header_count(), 200u);
  const message msg = parsed(text + "x: y\r\n\r\n");
  ASSERT_TRUE(msg.defect());
  EXPECT_EQ(msg.defect()->code, parse_errc::too_many_headers);
  EXPECT_EQ(msg.to_string(), text + "\r\n");
}

TEST(message, parses_or_refuses_every_prefix_of_itself) {
  for (std::size_t n = 0; n < full_invite.size(); ++n) {
    const auto msg = message::parse(std::string_view{full_invite}.substr(0, n));
    if (msg) {
      EXPECT_TRUE(msg->defect()) << n;
      EXPECT_LE(msg->to_string().size(), n + 4);
    }
  }
}

TEST(message, keeps_its_index_behind_its_bytes_when_there_is_room) {
  const message small = parsed("OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n");
  EXPECT_LE(sizeof(small), 96u);
  // A message as long as its block has its index elsewhere, and reads the same.
  std::string text =
      "OPTIONS sip:a SIP/2.0\r\nX: " + std::string(496 - 32, 'x') + "\r\nl: 0\r\n\r\n";
  for (int i = 0; i < 16; ++i, text.insert(26, "y")) {
    const message msg = parsed(text);
    EXPECT_EQ(msg.to_string(), text);
    EXPECT_EQ(msg.header_count(), 2u);
  }
}

TEST(message, moves_and_leaves_nothing_behind) {
  message msg = parsed(full_invite);
  const message other = std::move(msg);
  EXPECT_EQ(other.method(), method::invite);
  // NOLINTNEXTLINE(bugprone-use-after-move): that is what is tested
  EXPECT_FALSE(msg);
  EXPECT_EQ(msg.header_count(), 0u);
  EXPECT_EQ(msg.to_string(), "");
  EXPECT_EQ(msg.body(), "");
  EXPECT_FALSE(msg.key());
}

TEST(message, reads_names_longer_than_its_index_can_say) {
  for (const std::size_t size : {126u, 127u, 128u, 300u}) {
    const std::string name(size, 'n');
    const message msg = parsed("OPTIONS sip:a SIP/2.0\r\n" + name + " : v\r\n\r\n");
    EXPECT_EQ(msg.header(0).name, name);
    EXPECT_EQ(msg.first(name), "v");
  }
}

TEST(message, finds_its_lines_wherever_they_stand_in_the_words_it_is_read_by) {
  for (std::size_t pad = 0; pad < 140; ++pad)
    for (const std::size_t body : {std::size_t{0}, std::size_t{1}, std::size_t{90}}) {
      const std::string filler(pad, 'x');
      const message msg = parsed(std::string{"INVITE sip:b@c SIP/2.0\r\nX-Pad: "}
                                     .append(filler)
                                     .append("\r\nVia: SIP/2.0/UDP h")
                                     .append(filler)
                                     .append(":5060;branch=z9hG4bK")
                                     .append(filler)
                                     .append("\r\nf: \"")
                                     .append(filler)
                                     .append("\" <sip:a@b>;tag=f")
                                     .append(filler)
                                     .append("\r\nTo:<sip:")
                                     .append(filler)
                                     .append("c@d>\r\ni:")
                                     .append(filler)
                                     .append("i\r\nCSeq: 1 INVITE\r\nl: ")
                                     .append(std::to_string(body))
                                     .append("\r\n\r\n")
                                     .append(body, 'b'));
      ASSERT_FALSE(msg.defect()) << pad;
      ASSERT_EQ(msg.header_count(), 7u) << pad;
      EXPECT_EQ(msg.body().size(), body);
      const auto key = msg.key();
      ASSERT_TRUE(key) << pad;
      EXPECT_EQ(key->branch, "z9hG4bK" + filler);
      EXPECT_EQ(key->sent_by_host, "h" + filler);
      EXPECT_EQ(key->from_tag, "f" + filler);
      EXPECT_EQ(key->call_id, filler + "i");
      EXPECT_EQ(key->cseq, 1u);
    }
}

TEST(message, goes_on_with_its_version_in_upper_case_and_its_method_as_spelt_7_1) {
  const auto request = message::parse("option sip:a@b sip/2.0\r\nVia: x\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->defect());
  EXPECT_EQ(request->to_string(), "option sip:a@b SIP/2.0\r\nVia: x\r\n\r\n");
  const auto response = message::parse("Sip/2.0 200 OK\r\nVia: x\r\n\r\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->to_string(), "SIP/2.0 200 OK\r\nVia: x\r\n\r\n");
}

} // namespace
} // namespace tandem::sip

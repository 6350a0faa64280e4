// SPDX-License-Identifier: Apache-2.0
// Tests of the words of the language.
#include <tandem/script/token.hpp>

#include <gtest/gtest.h>

namespace tandem::script {
namespace {

struct reading {
  std::vector<token> tokens;
  std::string complaints;
};

reading read(std::string text) {
  const auto from = std::make_shared<const source>("t.cfg", std::move(text));
  diagnostics found(from);
  auto tokens = read_tokens(*from, found);
  return {std::move(tokens), found.to_string()};
}

/// The kinds and texts of all words but the end: "name:foo string:bar".
std::string words(std::string text) {
  const reading r = read(std::move(text));
  std::string out = r.complaints;
  for (const token& t : r.tokens) {
    if (t.kind == token_kind::end) continue;
    if (!out.empty()) out += ' ';
    switch (t.kind) {
    case token_kind::name: out += "name:" + t.text; break;
    case token_kind::host: out += "host:" + t.text; break;
    case token_kind::address: out += "ip:" + t.text; break;
    case token_kind::number: out += "n:" + std::to_string(t.number); break;
    case token_kind::string: out += "s:" + t.text; break;
    case token_kind::variable: out += "v:" + t.text; break;
    default: out += std::string(describe(t.kind)); break;
    }
  }
  return out;
}

TEST(lexer, reads_every_kind_of_word) {
  const struct {
    const char* text;
    const char* expected;
  } table[] = {
      {"", ""},
      {"  \t\r\n\f ", ""},
      {"# all of it", ""},
      {"a # to the end of the line\nb", "name:a name:b"},
      {"a/* one */b", "name:a name:b"},
      {"a/* one /* two */ still */b", "name:a name:b"},
      {"a/**/b/***/c", "name:a name:b name:c"},
      {"a\\\nb", "name:a name:b"},
      {"a\\\r\nb", "name:a name:b"},
      {"ab_1 A9 _x", "name:ab_1 name:A9 name:_x"},
      {"0 5060 010", "n:0 n:5060 n:10"},
      {"0x1F 0o666", "n:31 n:438"},
      {"192.168.0.1 10.0.0.0/8", "ip:192.168.0.1 ip:10.0.0.0 '/' n:8"},
      {"192.168.0.1:5060", "ip:192.168.0.1 ':' n:5060"},
      {"udp:192.168.0.1:5060", "name:udp ':' ip:192.168.0.1 ':' n:5060"},
      {"::1 2001:db8::1 fe80::1/10", "ip:::1 ip:2001:db8::1 ip:fe80::1 '/' n:10"},
      {"[2001:db8::1]", "'[' ip:2001:db8::1 ']'"},
      {"foo.bar gw-1.example.com", "host:foo.bar host:gw-1.example.com"},
      {"3com.example", "host:3com.example"},
      {"add fade", "name:add name:fade"},
      {"uri:host", "name:uri ':' name:host"},
      {"and or not && & || | !", "'&&' '||' '!' '&&' '&&' '||' '||' '!'"},
      {"AND OR NOT And", "'&&' '||' '!' name:And"},
      {"== = =~ != !~", "'==' '=' '=~' '!=' '!~'"},
      {"!method==\"ACK\"", "'!' name:method '==' s:ACK"},
      {"{ } ( ) [ ] ; , . : / -", "'{' '}' '(' ')' '[' ']' ';' ',' '.' ':' '/' '-'"},
      {"$ru $hdr(To) $(hdr(Via)[1])", "v:$ru v:$hdr(To) v:$(hdr(Via)[1])"},
      {"a.", "name:a '.'"},
      {"a-", "name:a '-'"},
      {"-1", "'-' n:1"},
  };
  for (const auto& row : table) EXPECT_EQ(words(row.text), row.expected) << row.text;
}

TEST(lexer, resolves_the_five_escapes_of_double_quotes_and_keeps_other_backslashes) {
  EXPECT_EQ(words(R"("a\n\r\a\t\\b")"), "s:a\n\r\a\t\\b");
  EXPECT_EQ(words(R"("\.\d\x")"), R"(s:\.\d\x)");
  EXPECT_EQ(words("\"a\\\nb\""), "s:ab");
}

TEST(lexer, ends_a_string_at_its_quote_even_after_a_backslash) {
  EXPECT_EQ(words(R"("a\" b)"), "s:a\\ name:b");
}

TEST(lexer, resolves_nothing_in_single_quotes) {
  EXPECT_EQ(words(R"('echo "hi\n" \"x\"')"), R"(s:echo "hi\n" \"x\")");
  EXPECT_EQ(words("'one\ntwo'"), "s:one\ntwo");
  EXPECT_EQ(words("'# no /* comment */'"), "s:# no /* comment */");
}

TEST(lexer, lets_strings_span_lines) { EXPECT_EQ(words("\"one\ntwo\" x"), "s:one\ntwo name:x"); }

TEST(lexer, says_where_an_unknown_character_stands) {
  EXPECT_EQ(words("a\n ? b"), "t.cfg:2:2: error: unexpected character '?'\n"
                              "    2 |  ? b\n"
                              "      |  ^\n"
                              "1 error\n name:a name:b");
}

TEST(lexer, complains_once_about_a_character_of_several_bytes) {
  const std::string out = words("\xe2\x80\x9c"
                                "ab");
  EXPECT_NE(out.find("write a plain \" instead"), out.npos) << out;
  EXPECT_NE(out.find("1 error\n"), out.npos) << out;
}

TEST(lexer, complains_about_what_does_not_end) {
  EXPECT_NE(words("\"abc").find("1:1: error: this string does not end; expected \""),
            std::string::npos);
  EXPECT_NE(words("a /* b /* c */").find("1:3: error: this comment does not end"),
            std::string::npos);
  EXPECT_NE(words("$hdr(x\n").find("1:1: error: this variable lacks its ')'"), std::string::npos);
}

TEST(lexer, refuses_numbers_that_do_not_fit) {
  EXPECT_NE(words("4294967296").find("too large"), std::string::npos);
  EXPECT_NE(words("1.2.3").find("neither a number nor an IPv4 address"), std::string::npos);
  EXPECT_NE(words("1.2.3.400").find("neither a number nor an IPv4 address"), std::string::npos);
}

TEST(lexer, warns_about_preprocessor_lines) {
  EXPECT_NE(words("#!define X\n").find("preprocessor"), std::string::npos);
  EXPECT_EQ(words("#!SER\n#!/usr/sbin/ser\n"), "");
}

TEST(lexer, finds_a_byte_of_a_string_in_its_literal) {
  const std::string raw = R"("a\nb\.c")";
  EXPECT_EQ(raw[raw_offset(raw, 0)], 'a');
  EXPECT_EQ(raw[raw_offset(raw, 2)], 'b');
  EXPECT_EQ(raw[raw_offset(raw, 5)], 'c');
  const std::string single = R"('a\nb')";
  EXPECT_EQ(single[raw_offset(single, 3)], 'b');
}

} // namespace
} // namespace tandem::script

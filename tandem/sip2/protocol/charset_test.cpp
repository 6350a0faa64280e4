// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/charset.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

TEST(charset, names_are_found_in_their_usual_spellings) {
  EXPECT_EQ(find_charset("UTF-8"), charset::utf8);
  EXPECT_EQ(find_charset("iso-8859-1"), charset::latin1);
  EXPECT_EQ(find_charset("Latin-1"), charset::latin1);
  EXPECT_EQ(find_charset("CP850"), charset::cp850);
  EXPECT_EQ(find_charset("windows-1252"), charset::cp1252);
  EXPECT_EQ(find_charset("us-ascii"), charset::ascii);
  EXPECT_EQ(find_charset("koi8-r"), std::nullopt);
  for (const auto c :
       {charset::ascii, charset::latin1, charset::cp850, charset::cp1252, charset::utf8})
    EXPECT_EQ(find_charset(to_text(c)), c);
}

TEST(charset, encodes_and_decodes_each_set) {
  const struct {
    charset set;
    std::string_view utf8, wire;
  } rows[] = {
      {charset::utf8, "Jos\u00e9 \u65e5", "Jos\xc3\xa9 \xe6\x97\xa5"},
      {charset::latin1, "Jos\u00e9 \u00df", "Jos\xe9 \xdf"},
      {charset::cp850, "Jos\u00e9 \u00df", "Jos\x82 \xe1"},
      {charset::cp1252, "\u201cJos\u00e9\u201d \u20ac", "\x93Jos\xe9\x94 \x80"},
      {charset::ascii, "plain", "plain"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(encode(row.utf8, row.set), row.wire) << to_text(row.set);
    EXPECT_EQ(decode(row.wire, row.set), row.utf8) << to_text(row.set);
  }
}

TEST(charset, every_byte_of_a_single_byte_set_survives_both_ways) {
  for (const auto set : {charset::latin1, charset::cp850, charset::cp1252})
    for (int b = 0xa0; b < 256; ++b) {
      const std::string wire(1, static_cast<char>(b));
      EXPECT_EQ(encode(decode(wire, set), set), wire) << to_text(set) << ' ' << b;
    }
}

TEST(charset, ascii_transliterates_and_replaces_only_the_rest) {
  EXPECT_EQ(encode("T\u00eftle pip\u00e9 \u65e5", charset::ascii), "Title pipe ?");
  EXPECT_EQ(
      encode("Stra\u00dfe \u00f8re \u201cquoted\u201d \u2013 \u0141\u00f3d\u017a", charset::ascii),
      "Strasse ore \"quoted\" - Lodz");
  EXPECT_EQ(encode("e\u0301te\u0301", charset::ascii), "ete"); // letters with marks apart
  EXPECT_EQ(encode("\u65e5", charset::ascii, '*'), "*");
}

TEST(charset, joins_marks_before_it_looks_into_a_small_set) {
  EXPECT_EQ(encode("e\u0301", charset::latin1), "\xe9");
}

TEST(charset, bytes_that_are_not_utf8_are_read_as_the_fallback) {
  EXPECT_EQ(decode("caf\xe9", charset::utf8), "caf\u00e9");
  EXPECT_EQ(decode("caf\x82", charset::utf8, charset::cp850), "caf\u00e9");
  EXPECT_EQ(decode("caf\xc3\xa9", charset::ascii), "caf\u00e9");
}

TEST(charset, control_characters_become_blanks) {
  for (const auto set : {charset::ascii, charset::latin1, charset::utf8})
    EXPECT_EQ(encode(std::string_view{"a\rb\nc\0d\x14"
                                      "e\u0085f",
                                      12},
                     set),
              "a b c d e f");
}

} // namespace
} // namespace tandem::sip2

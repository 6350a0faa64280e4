// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/json_text.hpp>

#include <gtest/gtest.h>

namespace tandem {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

TEST(json_text, escapes_all_but_printable_ascii) {
  using namespace std::string_view_literals;
  const struct {
    std::string_view text, written;
  } table[] = {
      {"", R"("")"},
      {"plain text", R"("plain text")"},
      {R"(a"b\c)", R"("a\"b\\c")"},
      {"\0\r\n\x7f"sv, R"("\u0000\u000d\u000a\u007f")"},
      {"Gr\xc3\xbc\xc3\x9f", R"("Gr\u00fc\u00df")"},
      {"\xe2\x82\xac", R"("\u20ac")"},
      {"\xf0\x9f\x98\x80", R"("\ud83d\ude00")"},
      {"\xf4\x8f\xbf\xbf", R"("\udbff\udfff")"},
  };
  for (const auto& row : table) EXPECT_EQ(json(row.text), row.written);
}

TEST(json_text, bytes_that_are_not_utf_8_are_replaced_rfc_3629_4) {
  const struct {
    std::string_view text, written;
  } table[] = {
      {"\xff", R"("\ufffd")"},
      {"a\x80z", R"("a\ufffdz")"},
      {"\xc0\xaf", R"("\ufffd\ufffd")"},                     // overlong
      {"\xe0\x80\x80", R"("\ufffd\ufffd\ufffd")"},           // overlong
      {"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},           // a surrogate
      {"\xf4\x90\x80\x80", R"("\ufffd\ufffd\ufffd\ufffd")"}, // beyond U+10FFFF
      {"\xe2\x82", R"("\ufffd")"},                           // cut off
      {"\xe2\x82\"", R"("\ufffd\"")"},                       // a quote ends nothing
      {"\xf0\x9f\x98x", R"("\ufffdx")"},
  };
  for (const auto& row : table) EXPECT_EQ(json(row.text), row.written);
}

} // namespace
} // namespace tandem

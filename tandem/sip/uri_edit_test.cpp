// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/escape.hpp>
#include <tandem/sip/uri_edit.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip {
namespace {

std::string made(const uri_parts& parts) {
  const auto text = make_uri(parts);
  return text ? *text : to_string(text.error());
}

TEST(escape, escapes_what_each_part_may_not_hold_rfc3261_19_1_2) {
  EXPECT_EQ(escape_uri(uri_part::user, "a b@c:d%\xc3\xa9;e/f"), "a%20b%40c%3Ad%25%C3%A9;e/f");
  EXPECT_EQ(escape_uri(uri_part::user, "*98#"), "*98%23");
  EXPECT_EQ(escape_uri(uri_part::password, "a;b"), "a%3Bb");
  EXPECT_EQ(escape_uri(uri_part::param, "a;b=c@d"), "a%3Bb%3Dc%40d");
  EXPECT_EQ(escape_uri(uri_part::header, "a&b=c d"), "a%26b%3Dc%20d");
  EXPECT_EQ(escape_uri(uri_part::user, std::string_view{"\r\n\0", 3}), "%0D%0A%00");
}

TEST(escape, comes_back_for_every_byte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  for (const uri_part part :
       {uri_part::user, uri_part::password, uri_part::param, uri_part::header})
    EXPECT_EQ(unescape_uri(escape_uri(part, all)), all);
  EXPECT_EQ(unescape_uri("%4"), "%4");
  EXPECT_EQ(unescape_uri("%zz%41"), "%zzA");
}

TEST(uri_edit, changes_one_part_and_keeps_the_others) {
  const std::string old = "sip:alice:pw@[2001:db8::1]:5070;lr;x=1?a=b";
  const uri u = *uri::parse(old);
  EXPECT_EQ(made(uri_parts{u}), old);

  uri_parts parts{u};
  parts.user = "bob";
  EXPECT_EQ(made(parts), "sip:bob:pw@[2001:db8::1]:5070;lr;x=1?a=b");
  parts = uri_parts{u};
  parts.host = "example.com";
  parts.port = std::nullopt;
  EXPECT_EQ(made(parts), "sip:alice:pw@example.com;lr;x=1?a=b");
  parts = uri_parts{u};
  parts.user = {};
  parts.password = std::nullopt;
  parts.params = {};
  parts.headers = {};
  EXPECT_EQ(made(parts), "sip:[2001:db8::1]:5070");
  EXPECT_EQ(made(uri_parts{*uri::parse("tel:+1-2;ext=3")}), "tel:+1-2;ext=3");
  EXPECT_EQ(made(uri_parts{*uri::parse("http://a/b;c?d=e#f")}), "http://a/b;c?d=e#f");
}

TEST(uri_edit, refuses_text_that_would_mean_something_else) {
  const auto refused = [](auto change) {
    uri_parts parts;
    parts.user = "alice";
    parts.host = "example.com";
    change(parts);
    const auto text = make_uri(parts);
    return text ? parse_errc{} : text.error().code;
  };
  EXPECT_EQ(refused([](auto& p) { p.user = "a@b"; }), parse_errc::bad_character);
  EXPECT_EQ(refused([](auto& p) { p.user = "a:b"; }), parse_errc::bad_character);
  EXPECT_EQ(refused([](auto& p) { p.host = "h;lr"; }), parse_errc::bad_character);
  EXPECT_EQ(refused([](auto& p) { p.host = "h:5060"; }), parse_errc::bad_character);
  EXPECT_EQ(refused([](auto& p) { p.host = "u@h"; }), parse_errc::bad_character);
  EXPECT_EQ(refused([](auto& p) { p.params = "a?b=c"; }), parse_errc::bad_character);
  EXPECT_EQ(refused([](auto& p) { p.scheme = "sip:bob@h?x=y"; }), parse_errc::bad_uri_header);
  EXPECT_EQ(refused([](auto& p) { p.host = ""; }), parse_errc::bad_character);
}

TEST(uri_edit, refuses_line_breaks_and_nul) {
  for (const std::string_view bad : {std::string_view{"a\r\nX: y"}, std::string_view{"a\n"},
                                     std::string_view{"a\r"}, std::string_view{"a\0b", 3}}) {
    for (int field = 0; field < 5; ++field) {
      uri_parts parts;
      parts.host = "example.com";
      parts.user = "u";
      (field == 0   ? parts.user
       : field == 1 ? parts.host
       : field == 2 ? parts.params
       : field == 3 ? parts.headers
                    : parts.scheme) = bad;
      EXPECT_EQ(make_uri(parts).error().code, parse_errc::unsafe_text) << field;
    }
  }
}

TEST(uri_edit, sets_and_removes_parameters_in_place) {
  const uri_parameters old{"a=1;lr;B=2;a=3"};
  EXPECT_EQ(with_uri_param(old, "A", "x y"), "A=x%20y;lr;B=2");
  EXPECT_EQ(with_uri_param(old, "b", "9"), "a=1;lr;b=9;a=3");
  EXPECT_EQ(with_uri_param(old, "ob"), "a=1;lr;B=2;a=3;ob");
  EXPECT_EQ(with_uri_param(uri_parameters{}, "transport", "tcp"), "transport=tcp");
  EXPECT_EQ(without_uri_param(old, "A"), "lr;B=2");
  EXPECT_EQ(without_uri_param(uri_parameters{"lr"}, "lr"), "");
}

TEST(uri_edit, turns_a_tel_uri_into_a_sip_uri_rfc3261_19_1_6) {
  const auto sip_uri = [](std::string_view tel) {
    return to_sip_uri(*uri::parse(tel), "foo.com").value_or("none");
  };
  EXPECT_EQ(sip_uri("tel:+358-555-1234567;postd=pp22"),
            "sip:+358-555-1234567;postd=pp22@foo.com;user=phone");
  EXPECT_EQ(sip_uri("tel:7042;x=a%20b[c]"), "sip:7042;x=a%20b%5Bc%5D@foo.com;user=phone");
  EXPECT_EQ(sip_uri("sip:a@b"), "none");
}

} // namespace
} // namespace tandem::sip

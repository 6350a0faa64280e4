// SPDX-License-Identifier: Apache-2.0
// The sink, the words, and the list of values.
#include <tandem/sip/values.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip {
namespace {

TEST(sink, measures_without_room_and_cuts_at_its_end) {
  sink measure;
  measure.put("hello");
  measure.put_number(42, 4);
  EXPECT_EQ(measure.size(), 9u);
  char room[6];
  sink out{room};
  out.put("hello");
  out.put_number(42);
  EXPECT_EQ(out.text(), "hello4");
  EXPECT_EQ(out.size(), 7u);
  EXPECT_FALSE(out.has_fitted());
}

TEST(sink, writes_a_fold_as_its_blank_and_notices_any_other_line_break) {
  const auto put = [](std::string_view text) {
    char room[64];
    sink out{room};
    out.put(text);
    return std::string{out.text()} + (out.is_safe() ? "" : "!");
  };
  EXPECT_EQ(put("a\r\n b\n\tc"), "a b\tc");
  EXPECT_EQ(put("a\r\nb"), "ab!");
  EXPECT_EQ(put("a\r\n"), "a!");
  EXPECT_EQ(put("a\r b"), "a b!");
  EXPECT_EQ(put(std::string_view{"a\0b", 3}), "ab!");
}

TEST(lexical, a_quoted_string_ends_at_its_quote_rfc3261_25_1) {
  const auto quoted = [](std::string_view text) {
    cursor at{text};
    const auto inside = at.take_quoted();
    return inside ? std::string{*inside} : to_string(inside.error());
  };
  EXPECT_EQ(quoted("\"a \\\" b\" c"), "a \\\" b");
  EXPECT_EQ(quoted("\"\""), "");
  EXPECT_EQ(quoted("\"\\\\\""), "\\\\");
  EXPECT_EQ(quoted("\"a\r\n b\""), "a\r\n b");
  EXPECT_EQ(quoted({"\"\\\0\"", 4}), (std::string{"\\\0", 2}));
  EXPECT_EQ(quoted("\"a"), "missing closing quote at byte 0");
  EXPECT_EQ(quoted("\"a\\"), "missing closing quote at byte 0");
  EXPECT_EQ(quoted("\"a\\\""), "missing closing quote at byte 0");
  EXPECT_EQ(quoted("\"a\\\r\n b\""), "malformed quoted pair at byte 2");
  EXPECT_EQ(quoted("\"a\r\nb\""), "character not allowed here at byte 2");
  EXPECT_EQ(quoted("\"\x07\""), "character not allowed here at byte 1");
}

TEST(lexical, what_a_quoted_string_means) {
  EXPECT_EQ(unquote("a \\\"b\\\\ c\\d"), "a \"b\\ cd");
  EXPECT_EQ(unquote("a\r\n b"), "a b");
  EXPECT_EQ(unquote(escape_quoted("\"\\x\"")), "\"\\x\"");
  EXPECT_TRUE(means_same("a\\b", "ab"));
  EXPECT_FALSE(means_same("a", "ab"));
  EXPECT_TRUE(is_quoted_text("a \\\" b"));
  EXPECT_FALSE(is_quoted_text("a \" b"));
  EXPECT_FALSE(is_quoted_text("a\\"));
  EXPECT_TRUE(is_comment_text("a (b) \\("));
  EXPECT_FALSE(is_comment_text("a (b"));
  EXPECT_FALSE(is_comment_text("a) (b"));
}

std::vector<std::string> items(std::string_view text) {
  std::vector<std::string> all;
  for (const auto& one : list<raw_item>{text})
    all.push_back(one ? std::string{one->text} : to_string(one.error()));
  return all;
}

using strings = std::vector<std::string>;

TEST(list, commas_in_quotes_and_angle_brackets_do_not_separate_rfc3261_7_3_1) {
  EXPECT_EQ(items("a, b ,c"), (strings{"a", "b", "c"}));
  EXPECT_EQ(items("\"a,b\" <sip:x,y@h>;p=\",\", c"), (strings{"\"a,b\" <sip:x,y@h>;p=\",\"", "c"}));
  EXPECT_EQ(items("\"a\\\",b\", <\",\">"), (strings{"\"a\\\",b\"", "<\",\">"}));
  EXPECT_EQ(items("a\r\n , b"), (strings{"a", "b"}));
}

TEST(list, empty_items_mean_nothing) {
  EXPECT_EQ(items(""), strings{});
  EXPECT_EQ(items(" , ,"), strings{});
  EXPECT_EQ(items(",a,,b,"), (strings{"a", "b"}));
}

TEST(list, what_never_closes_takes_the_rest) {
  EXPECT_EQ(items("a, \"b, c"), (strings{"a", "\"b, c"}));
  EXPECT_EQ(items("a, <b, c"), (strings{"a", "<b, c"}));
}

TEST(list, goes_on_behind_a_value_that_is_broken) {
  std::vector<std::string> seen;
  const list<via> hops{"SIP/2.0/UDP a, SIP/2.0 b;x=\",\", SIP/2.0/TCP c"};
  for (auto it = hops.begin(); it != hops.end(); ++it)
    seen.push_back(*it ? std::string{(*it)->sent_by.host.text}
                       : to_string(it->error()) + ": " + std::string{it.text()});
  EXPECT_EQ(seen, (strings{"a", "malformed Via protocol at byte 22: SIP/2.0 b;x=\",\"", "c"}));
}

TEST(list, gives_the_bytes_of_each_value) {
  const list<name_addr> routes{" <sip:a;lr> ;x , <sip:b>,"};
  auto it = routes.begin();
  EXPECT_EQ(it.text(), "<sip:a;lr> ;x");
  ++it;
  EXPECT_EQ(it.text(), "<sip:b>");
  ++it;
  EXPECT_TRUE(it == routes.end());
  EXPECT_EQ(routes.front()->address.text(), "sip:a;lr");
  EXPECT_EQ(list<name_addr>{" "}.front().error().code, parse_errc::empty);
}

TEST(value, is_not_written_when_it_holds_a_line_break_or_nul) {
  for (const std::string_view bad :
       {std::string_view{"a\r\nVia: b"}, std::string_view{"a\n"}, std::string_view{"a\0", 2}}) {
    EXPECT_EQ(to_text(text_value{bad}).error().code, parse_errc::unsafe_text);
    EXPECT_EQ(to_text(token{bad}).error().code, parse_errc::unsafe_text);
    EXPECT_EQ(to_text(cseq{1, bad}).error().code, parse_errc::unsafe_text);
    name_addr address;
    address.address = *uri::parse("sip:a@h");
    address.display = bad;
    EXPECT_EQ(to_text(address).error().code, parse_errc::unsafe_text);
    EXPECT_EQ(to_text(warning{399, "h", bad}).error().code, parse_errc::unsafe_text);
    EXPECT_EQ(to_text(retry_after{1, bad, {}}).error().code, parse_errc::unsafe_text);
    via hop;
    hop.sent_by.host.text = bad;
    EXPECT_EQ(to_text(hop).error().code, parse_errc::unsafe_text);
  }
}

TEST(value, is_not_written_when_it_would_not_parse_again) {
  EXPECT_FALSE(to_text(token{"a b"}));
  EXPECT_FALSE(to_text(token{""}));
  EXPECT_FALSE(to_text(cseq{1, ""}));
  EXPECT_FALSE(to_text(cseq{0x8000'0000, "BYE"}));
  EXPECT_FALSE(to_text(hop_count{256}));
  EXPECT_FALSE(to_text(via{}));
  EXPECT_FALSE(to_text(name_addr{}));
  EXPECT_FALSE(to_text(warning{1000, "h", "x"}));
  EXPECT_FALSE(to_text(warning{399, "h", "a\"b"}));
  name_addr address;
  address.address = *uri::parse("sip:a@h");
  address.display = "a\" <sip:evil@h>, \"";
  EXPECT_FALSE(to_text(address));
  address.display = "a, b";
  address.display_is_quoted = false;
  EXPECT_FALSE(to_text(address));
}

TEST(value, is_refused_when_the_room_is_too_small) {
  char room[5];
  EXPECT_EQ(write_value(cseq{1, "INVITE"}, room).error().code, parse_errc::too_large);
  EXPECT_EQ(write_value(cseq{1, "BYE"}, room).value_or(0), 5u);
}

static_assert(list_value<via> && list_value<name_addr> && list_value<contact> &&
              list_value<token> && list_value<token_params> && list_value<uri_params> &&
              list_value<uri_value> && list_value<media_type> && list_value<warning> &&
              list_value<call_id> && list_value<word_params> && list_value<challenge> &&
              list_value<credentials> && list_value<param_value>);
static_assert(header_value<number> && header_value<hop_count> && header_value<number_params> &&
              header_value<cseq> && header_value<rack> && header_value<date> &&
              header_value<timestamp> && header_value<retry_after> && header_value<mime_version> &&
              header_value<privacy> && header_value<text_value> && header_value<call_id_params> &&
              header_value<subscription_state> && header_value<authentication_info>);

} // namespace
} // namespace tandem::sip

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/params.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

params params_of(std::string_view text) {
  const auto value = params::parse(text);
  EXPECT_TRUE(value) << text;
  return value.value_or(params{});
}

TEST(params, keep_unknown_ones_their_order_and_their_case) {
  const params p = params_of(";Zebra=1; apple ;zebra=\"2;,\\\"\"");
  std::string seen;
  for (const param& each : p) {
    seen += each.name;
    seen += each.has_value ? each.is_quoted ? '"' : '=' : '-';
    seen += each.value;
    seen += ' ';
  }
  EXPECT_EQ(seen, "Zebra=1 apple- zebra\"2;,\\\" ");
  sink measure;
  p.write(measure);
  EXPECT_EQ(measure.size(), p.text().size() + 1);
}

TEST(params, are_found_without_case_and_the_first_of_two_counts) {
  const params p = params_of(";q=0.5;Q=0.7;lr");
  EXPECT_EQ(p.value("Q"), "0.5");
  EXPECT_TRUE(p.has("LR"));
  EXPECT_FALSE(p.find("lr")->has_value);
  EXPECT_EQ(p.find("nothing"), std::nullopt);
}

TEST(params, tell_a_flag_from_an_empty_value) {
  // A peer's `rport=""` is a value that is no number; nothing breaks on it.
  const params p = params_of(";rport=\"\";lr");
  EXPECT_TRUE(p.find("rport")->has_value);
  EXPECT_EQ(p.number<std::uint16_t>("rport"), std::nullopt);
  EXPECT_FALSE(p.find("lr")->has_value);
}

TEST(params, do_not_take_a_single_quote_for_a_quote) {
  const params p = params_of(";a='b;c=d'");
  EXPECT_EQ(p.value("a"), "'b");
  EXPECT_EQ(p.value("c"), "d'");
}

TEST(params, read_numbers_whole_or_not_at_all) {
  const params p = params_of(";a=12;b=1x;c=99999999999;d=-1;e=\"7\";nc=0000001F");
  EXPECT_EQ(p.number<std::uint32_t>("a"), 12u);
  EXPECT_EQ(p.number<std::uint32_t>("b"), std::nullopt);
  EXPECT_EQ(p.number<std::uint32_t>("c"), std::nullopt);
  EXPECT_EQ(p.number<std::uint32_t>("d"), std::nullopt);
  EXPECT_EQ(p.number<std::uint32_t>("e"), 7u);
  EXPECT_EQ(p.number<std::uint32_t>("nc", 16), 31u);
}

TEST(params, read_addresses_with_and_without_brackets_rfc5118_4_5) {
  EXPECT_EQ(params_of(";received=2001:db8::9:255").host("received")->kind, host_kind::ipv6);
  EXPECT_EQ(params_of(";received=[2001:db8::9:255]").host("received")->text, "2001:db8::9:255");
  EXPECT_EQ(params_of(";received=192.0.2.1").host("received")->kind, host_kind::ipv4);
  EXPECT_EQ(params_of(";received=1.2.3").host("received"), std::nullopt);
}

TEST(params, have_a_bound) {
  std::string many;
  for (std::size_t i = 0; i < max_parameters; ++i) many += ";a";
  EXPECT_TRUE(params::parse(many));
  EXPECT_EQ(params::parse(many + ";a").error().code, parse_errc::too_many_parameters);
}

TEST(params, are_set_in_place_appended_and_removed) {
  const params p = params_of("; a=1 ;lr;A=2");
  EXPECT_EQ(with_param(p, "A", "x y\""), "A=\"x y\\\"\";lr");
  EXPECT_EQ(with_param(p, "b", "2"), "a=1;lr;A=2;b=2");
  EXPECT_EQ(with_flag(p, "a"), "a;lr");
  EXPECT_EQ(without_param(p, "a"), "lr");
  EXPECT_EQ(with_param(params{}, "tag", "x"), "tag=x");
  EXPECT_EQ(with_param(params{}, "empty", ""), "empty=\"\"");
  EXPECT_EQ(with_param(*auth_params::parse("a=1, b=\"2\""), "c", "3"), "a=1, b=\"2\", c=3");
}

TEST(params, refuse_names_and_values_that_would_break_the_line) {
  EXPECT_EQ(with_param(params{}, "a b", "1").error().code, parse_errc::bad_parameter);
  EXPECT_EQ(with_param(params{}, "", "1").error().code, parse_errc::bad_parameter);
  EXPECT_EQ(with_param(params{}, "a", "1\r\nVia: x").error().code, parse_errc::unsafe_text);
  EXPECT_EQ(with_param(params{}, "a", std::string_view{"\0", 1}).error().code,
            parse_errc::unsafe_text);
  // What could be taken for more parameters goes into quotes.
  const auto quoted = with_param(params{}, "a", "1;b=2,c");
  ASSERT_TRUE(quoted);
  EXPECT_EQ(params_of(*quoted).find("a")->unquoted(), "1;b=2,c");
  EXPECT_FALSE(params_of(*quoted).has("b"));
}

TEST(qvalue, is_exact_in_thousandths_rfc3261_25_1) {
  const auto written = [](std::uint16_t q) {
    char room[8];
    sink out{room};
    write_qvalue(out, q);
    return std::string{out.text()};
  };
  EXPECT_EQ(parse_qvalue("0.7"), 700);
  EXPECT_EQ(parse_qvalue("1.000"), 1000);
  EXPECT_EQ(parse_qvalue("0"), 0);
  EXPECT_EQ(parse_qvalue("1"), 1000);
  EXPECT_EQ(parse_qvalue("0."), 0);
  EXPECT_EQ(parse_qvalue("0.333"), 333);
  EXPECT_EQ(parse_qvalue(".5"), 500);
  EXPECT_EQ(parse_qvalue("0.33333"), 333);
  for (const std::string_view bad : {"", ".", "2", "1.001", "0.x", "-1", "10", "0,5"})
    EXPECT_EQ(parse_qvalue(bad), std::nullopt) << bad;
  for (std::uint16_t q = 0; q <= 1000; ++q) EXPECT_EQ(parse_qvalue(written(q)), q);
  EXPECT_EQ(written(50), "0.05");
  EXPECT_EQ(written(700), "0.7");
  EXPECT_EQ(written(5000), "1");
}

} // namespace
} // namespace tandem::sip

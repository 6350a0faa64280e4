// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/json.hpp>

#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

std::string json_of(std::string_view line) {
  return to_json(read_message(*open_line(line, {}), {}));
}

std::string wire_of(std::string_view json, const json_rules& rules = {}) {
  const auto m = from_json(json, rules);
  return m ? write_message(*m, {}) : std::string{to_text(m.error())};
}

TEST(json, requests_are_written_as_the_contract_says) {
  EXPECT_EQ(
      json_of("9300CNsiplogin|COsippassword"),
      R"({"code":"93","fixed_fields":["0","0"],"fields":[{"CN":"siplogin"},{"CO":"sippassword"}]})");
  EXPECT_EQ(json_of("9909992.00"),
            R"({"code":"99","fixed_fields":["0","999","2.00"],"fields":[]})");
  EXPECT_EQ(
      json_of("6300020261120    153457          AApat|AD1234|AOexample|"),
      R"({"code":"63","fixed_fields":["000","20261120    153457","          "],"fields":[{"AA":"pat"},{"AD":"1234"},{"AO":"example"}]})");
  EXPECT_EQ(to_json(message{code::end_session}), R"({"code":"XS","fixed_fields":[],"fields":[]})");
}

TEST(json, text_is_escaped_to_ascii) {
  message m{code::login};
  m.add(field_id{"CN"}, "a\"b\\c\x01"
                        "\u00e9\u65e5\U0001f600");
  EXPECT_EQ(
      to_json(m),
      R"({"code":"93","fixed_fields":["0","0"],"fields":[{"CN":"a\"b\\c\u0001\u00e9\u65e5\ud83d\ude00"}]})");
  EXPECT_EQ(*from_json(to_json(m)), m);
}

TEST(json, answers_become_lines) {
  EXPECT_EQ(wire_of(R"({"code":"94","fixed_fields":["1"]})"), "941\r");
  EXPECT_EQ(wire_of(R"({"code":94,"fixed_fields":[1]})"), "941\r");
  EXPECT_EQ(wire_of(R"({"code":"XT"})"), "XT\r");
  EXPECT_EQ(wire_of(R"({"code":9,"fixed_fields":["N"]})").substr(0, 3), "09N");
  EXPECT_EQ(
      wire_of(
          R"({"code":"12","fixed_fields":[1,"N","N","Y","20261120    153457"],"fields":[{"AO":"x"}]})"),
      "121NNY20261120    153457AOx|\r");
  EXPECT_EQ(
      wire_of(
          R"({"code":"98","fixed_fields":["Y","Y","Y","Y","N","N","999","999","20261120    153457","2.00"],"fields":[{"AO":"example"},{"BX":"YYYNYNYYNYYNNNYN"}]})"),
      "98YYYYNN99999920261120    1534572.00AOexample|BXYYYNYNYYNYYNNNYN|\r");
}

TEST(json, fixed_fields_are_concatenated_and_cut_by_width) {
  // Fourteen entries of one character for the patron status, as one system sends them.
  std::string json = R"({"code":"24","fixed_fields":[)";
  for (int i = 0; i < 14; ++i) json += i < 2 ? R"("Y",)" : R"(" ",)";
  json += R"("001","20261120    153457"],"fields":[]})";
  EXPECT_EQ(wire_of(json), "24YY            00120261120    153457\r");

  json_notes notes;
  const auto cut = from_json(R"({"code":"94","fixed_fields":["1","surplus"]})", {}, &notes);
  EXPECT_EQ(cut->fixed, "1");
  EXPECT_TRUE(notes.long_fixed);
  const auto fewer = from_json(R"({"code":"12","fixed_fields":["1",null]})", {}, &notes);
  EXPECT_EQ(fewer->fixed, "1");
  EXPECT_TRUE(notes.short_fixed);
  EXPECT_TRUE(notes.null_fixed);
}

TEST(json, a_number_keeps_the_width_of_its_field) {
  const std::string status(14, ' ');
  EXPECT_EQ(wire_of(R"({"code":"64","fixed_fields":[")" + status +
                    R"(",1,"20261120    153457",0,0,2,0,0,1]})"),
            "64" + status + "00120261120    153457000000000002000000000001\r");
  EXPECT_EQ(
      wire_of(
          R"({"code":98,"fixed_fields":["Y","Y","Y","Y","N","N",30,3,"20261120    153457",2.0]})"),
      "98YYYYNN03000320261120    1534572.00\r");
  EXPECT_EQ(wire_of(R"({"code":18,"fixed_fields":[3,1,1,"20261120    153457"]})"),
            "1803010120261120    153457\r");
}

TEST(json, a_number_stands_only_in_a_field_of_digits_that_has_room_for_it) {
  const std::string status = "\"              \"", date = "\"20261120    153457\"";
  const std::pair<int, std::string> rows[] = {
      {66, "[\"1\",12345,0," + date + "]"},   {66, "[\"1\",-1,0," + date + "]"},
      {66, "[\"1\",1.5,0," + date + "]"},     {66, "[\"1\",1e9,0," + date + "]"},
      {66, "[\"1\",0,0,20261120153457]"},     {64, "[0,\"001\"," + date + ",0,0,0,0,0,0]"},
      {10, "[1,1,\"N\",\"N\"," + date + "]"}, {10, "[1,\"N\",true,\"N\"," + date + "]"},
      {66, "[\"1\",\"0\",1,0," + date + "]"}, {94, "[\"1\",1]"},
  };
  for (const auto& [number, fixed] : rows) {
    json_notes notes;
    const auto text = R"({"code":)" + std::to_string(number) + R"(,"fixed_fields":)" + fixed + "}";
    ASSERT_TRUE(from_json(text, {}, &notes)) << text;
    EXPECT_TRUE(notes.wrong_number) << text;
  }
  json_notes notes;
  EXPECT_EQ(from_json(R"({"code":94,"fixed_fields":[true]})", {}, &notes)->fixed, "1");
  EXPECT_FALSE(notes.wrong_number);
}

TEST(json, an_object_may_hold_several_fields) {
  EXPECT_EQ(wire_of(R"({"code":"94","fixed_fields":["1"],"fields":[{"AB":"1","AJ":""},{"AF":5}]})"),
            "941AB1|AJ|AF5|\r");
  EXPECT_EQ(wire_of(R"({"code":"94","fixed_fields":["1"],"fields":{"AF":["a","b"],"BV":12.5}})"),
            "941AFa|AFb|BV12.5|\r");
}

TEST(json, null_fields_are_dropped_or_empty_as_told) {
  constexpr std::string_view json = R"({"code":"94","fixed_fields":["1"],"fields":[{"AH":null}]})";
  EXPECT_EQ(wire_of(json), "941\r");
  EXPECT_EQ(wire_of(json, {.nulls = null_rule::empty, .pointer = {}}), "941AH|\r");
}

TEST(json, fields_keep_their_order_or_are_sorted_stably) {
  constexpr std::string_view json =
      R"({"code":"94","fixed_fields":["1"],"fields":[{"AS":"2"},{"AA":"x"},{"AS":"1"}]})";
  EXPECT_EQ(wire_of(json), "941AS2|AAx|AS1|\r");
  EXPECT_EQ(wire_of(json, {.order = field_order::sorted, .pointer = {}}), "941AAx|AS2|AS1|\r");
}

TEST(json, a_pointer_finds_the_message_inside_another_answer) {
  json_rules rules;
  rules.pointer = "/payload/0";
  EXPECT_EQ(wire_of(R"({"status":200,"payload":[{"code":"94","fixed_fields":["1"]}]})", rules),
            "941\r");
  EXPECT_EQ(wire_of(R"({"status":200,"payload":[]})", rules), to_text(json_errc::no_message));
}

TEST(json, values_cannot_break_the_line) {
  EXPECT_EQ(wire_of(R"({"code":"94","fixed_fields":["\r"],"fields":[{"AF":"a\r\nb|c\u0000d"}]})"),
            "94 AFa  bc d|\r");
}

TEST(json, names_of_fields_cannot_break_the_line) {
  EXPECT_EQ(wire_of(R"({"code":"94","fixed_fields":["1"],"fields":[{"\r\n":"x","A\u0000":"x"}]})"),
            "941\r");
}

TEST(json, what_is_no_message_has_a_reason) {
  const std::pair<std::string_view, json_errc> rows[] = {
      {"", json_errc::not_json},
      {"{", json_errc::not_json},
      {"<html>", json_errc::not_json},
      {"null", json_errc::no_message},
      {"[]", json_errc::no_message},
      {"\"94\"", json_errc::no_message},
      {"{}", json_errc::no_code},
      {R"({"code":null})", json_errc::no_code},
      {R"({"code":true})", json_errc::no_code},
      {R"({"code":941})", json_errc::no_code},
      {R"({"code":"77"})", json_errc::unknown_code},
      {R"({"code":[94]})", json_errc::no_code},
  };
  for (const auto& [text, expected] : rows) {
    const auto m = from_json(text);
    ASSERT_FALSE(m) << text;
    EXPECT_EQ(m.error(), expected) << text;
  }
  EXPECT_FALSE(from_json(std::string(10000, '[')));
}

TEST(json, odd_parts_are_noted_and_left_out) {
  json_notes notes;
  const auto m = from_json(
      R"({"code":"94","fixed_fields":[{}, "1"],"fields":["x",{"ABC":"1"},{"AF":{}},{"AG":"ok"}]})",
      {}, &notes);
  ASSERT_TRUE(m);
  EXPECT_EQ(write_message(*m, {}), "941AGok|\r");
  EXPECT_TRUE(notes.odd_field);
  EXPECT_TRUE(notes.null_fixed);
}

} // namespace
} // namespace tandem::sip2

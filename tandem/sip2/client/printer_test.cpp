// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/printer.hpp>

#include <gtest/gtest.h>

#include <sstream>

namespace tandem::sip2 {
namespace {

const std::string d = "20261120    153457";

/// A login and its answer.
exchange a_login() {
  exchange e;
  e.question = make_login("u", "p");
  e.answer = message{code::login_response, {"1"}};
  e.sent = "9300CNu|COp|";
  e.received = "941";
  e.took = milliseconds{22};
  e.is_ok = true;
  return e;
}

struct printed {
  std::string out, err;
};

printed print(print_form form, const exchange& e) {
  std::ostringstream out, err;
  printer p{form, out, err};
  const auto events = p.events();
  events.on_send(e.question, e.sent);
  events.on_answer(e);
  return {out.str(), err.str()};
}

TEST(printer, each_form_shows_an_exchange_in_its_way) {
  const auto e = a_login();
  EXPECT_EQ(print(print_form::plain, e).out,
            "[SENDING]\n9300CNu|COp|\n----------------\n"
            "[RECEIVED, duration: 0.022]:\n941\n----------------\n");
  EXPECT_EQ(print(print_form::summary, e).out, "+-");
  EXPECT_EQ(print(print_form::raw, e).out, "> 9300CNu|COp|\n< 941\n");
  EXPECT_EQ(print(print_form::silent, e).out, "");
  EXPECT_EQ(print(print_form::json, e).out,
            R"({"sent":{"code":"93","fixed_fields":["0","0"],"fields":[{"CN":"u"},{"CO":"p"}]},)"
            R"("received":{"code":"94","fixed_fields":["1"],"fields":[]},)"
            R"("duration":0.022000,"ok":true})"
            "\n");
}

TEST(printer, the_pretty_form_names_fields_and_what_their_values_mean) {
  auto e = a_login();
  e.answer = message{code::item_information_response, {"03", "01", "02", d}};
  e.answer.add(field_id{"CK"}, "001");
  const auto out = print(print_form::pretty, e).out;
  for (const char* line :
       {"[93] Login Request\n", "UID algorithm                     0 (not encrypted)\n",
        "[CN] login user id                u\n",
        "circulation status                03 (available)\n",
        "fee type                          02 (administrative)\n",
        "[CK] media type                   001 (book)\n"})
    EXPECT_NE(out.find(line), std::string::npos) << line << out;
}

TEST(printer, a_raw_line_is_shown_as_it_is_in_the_pretty_form_too) {
  exchange e = a_login();
  e.question = message{};
  e.sent = "77what|";
  EXPECT_EQ(print(print_form::pretty, e).out.substr(0, 18), "[SENDING]\n77what|\n");
}

TEST(printer, differences_go_where_faults_go) {
  auto e = a_login();
  e.differences = {"ok: was '1', is '0'"};
  const auto shown = print(print_form::raw, e);
  EXPECT_EQ(shown.err, "94 differs: ok: was '1', is '0'\n");
  EXPECT_EQ(shown.out, print(print_form::raw, a_login()).out);
}

TEST(printer, what_programs_read_holds_nothing_but_exchanges) {
  run_result r;
  r.whole = seconds{2};
  r.times = {milliseconds{1}, milliseconds{3}};
  for (const auto form : {print_form::json, print_form::raw, print_form::plain}) {
    std::ostringstream out, err;
    printer p{form, out, err};
    p.finished(r, 4);
    p.latency(r);
    const bool is_for_programs = form != print_form::plain;
    EXPECT_EQ(out.str().empty(), is_for_programs);
    EXPECT_NE(err.str().find("4 messages asked again, 0 answered otherwise"), std::string::npos);
    EXPECT_NE((is_for_programs ? err : out).str().find("2 answers, 1.0/s; ms: p50 1.00"),
              std::string::npos);
  }
}

TEST(printer, a_self_test_says_why_what_is_bad_is_bad) {
  std::ostringstream out;
  print_self_test({{"a", self_check::outcome::good, ""},
                   {"b", self_check::outcome::bad, "no"},
                   {"c", self_check::outcome::skipped, "give more"}},
                  out);
  EXPECT_EQ(out.str(), "ok   a\nBAD  b: no\n-    c: give more\n3 tried, 1 bad\n");
}

} // namespace
} // namespace tandem::sip2

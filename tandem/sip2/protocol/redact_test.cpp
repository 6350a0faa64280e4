// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/redact.hpp>

#include <tandem/sip2/protocol/parser.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

message patron_request() {
  message m{code::patron_status, {"001", "20261120    153457"}};
  m.add(field_id{"AO"}, "inst").add(field_id{"AA"}, "card77").add(field_id{"AC"}, "tpw");
  m.add(field_id{"AD"}, "4711").add(field_id{"AE"}, "Ada Lovelace").add(field_id{"CO"}, "");
  return m;
}

TEST(redact, passwords_are_hidden_by_default) {
  EXPECT_EQ(to_log_line(patron_request(), log_privacy::secrets),
            "2300120261120    153457AOinst|AAcard77|AC***|AD***|AEAda Lovelace|CO|");
}

TEST(redact, the_unsafe_level_shows_everything) {
  const auto line = to_log_line(patron_request(), log_privacy::unsafe);
  EXPECT_NE(line.find("AD4711|"), std::string::npos);
}

TEST(redact, patrons_are_marked_the_same_way_each_time_but_not_named) {
  const auto line = to_log_line(patron_request(), log_privacy::patron);
  for (const char* hidden : {"card77", "tpw", "4711", "Ada"})
    EXPECT_EQ(line.find(hidden), std::string::npos) << line;
  EXPECT_NE(line.find("AA#"), std::string::npos);
  EXPECT_EQ(line, to_log_line(patron_request(), log_privacy::patron));
}

TEST(redact, secrets_are_bounded_and_beyond_the_bounds_no_value_is_shown) {
  auto m = patron_request();
  m.add(field_id{"AF"}, "the PIN is 4711, and tpw");
  for (int i = 0; i < 20'000; ++i) m.add(field_id{"AD"}, "4711");
  EXPECT_EQ(secrets_of(m), (std::vector<std::string>{"4711", "tpw"})) << "each counts once";
  EXPECT_NE(to_log_line(m, log_privacy::secrets, secrets_of(m)).find("AFthe PIN is ***, and ***|"),
            std::string::npos);

  auto many = m;
  for (std::size_t i = 0; i < most_secrets; ++i)
    many.add(field_id{"AD"}, std::to_string(1000 + i)).add(field_id{"AF"}, "tpw or 1000?");
  auto wide = m;
  wide.add(field_id{"AD"}, std::string(longest_secret + 1, 'x'));
  for (const auto& each : {many, wide}) {
    const auto secrets = secrets_of(each);
    EXPECT_EQ(secrets, std::vector<std::string>{""});
    const auto line = to_log_line(each, log_privacy::secrets, secrets);
    for (const char* secret : {"4711", "tpw", "1000", "xxx"})
      EXPECT_EQ(line.find(secret), std::string::npos) << line.substr(0, 200);
    EXPECT_EQ(hide_secrets("4711 and tpw", secrets), "***");
  }
}

TEST(redact, a_secret_behind_another_is_hidden_too) {
  message m{code::patron_status_response};
  m.add(field_id{"AF"}, "!a!a and a!a or aa!a");
  EXPECT_NE(to_log_line(m, log_privacy::secrets, std::vector<std::string>{"!a"})
                .find("AF****** and a!a or aa!a|"),
            std::string::npos);
}

message message_of(std::string_view line) { return read_message(*open_line(line, {}), {}); }

TEST(redact, a_login_of_another_form_shows_no_password_and_has_no_name) {
  for (const char* line : {"9300CNuser^COpass^", "9300CNuser^COpass^|CPhere|", "93COpass|CNuser|",
                           "93CNuser|COpass|", "93CNuser^COpass^", "9300COpass^CNuser^",
                           "9300CNuser|COpa|ss|", "93xxCNuser|COpass|", "9300CNuser;COpass;|CO|"}) {
    const auto m = message_of(line);
    const auto shown = to_log_line(m, log_privacy::secrets);
    EXPECT_EQ(shown.find("pass"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("ss"), std::string::npos) << shown;
    EXPECT_EQ(login_name_of(m).find("pass"), std::string_view::npos) << line;
    const auto hidden = hide_secrets(std::string{"body: "} + line, secrets_of(m));
    EXPECT_EQ(hidden.find("pass"), std::string::npos) << hidden;
  }
  EXPECT_EQ(login_name_of(message_of("9300CNuser|COpass|")), "user");
  EXPECT_EQ(login_name_of(message_of("93CNuser|COpass|")), "user");
  EXPECT_EQ(login_name_of(message_of("9300CNuser_ADMIN|COpass|")), "user_ADMIN");
}

TEST(redact, a_pin_behind_another_delimiter_is_hidden) {
  const auto shown =
      to_log_line(message_of("2300120261120    153457AOx^AA1^AC2^AD4711^"), log_privacy::secrets);
  EXPECT_EQ(shown.find("4711"), std::string::npos) << shown;
  const auto bare = to_log_line(message_of("11AD4711|AA21000001|AB1|"), log_privacy::secrets);
  EXPECT_EQ(bare.find("4711"), std::string::npos) << bare;
  EXPECT_EQ(bare.find("711"), std::string::npos) << bare;
}

TEST(redact, a_known_secret_is_hidden_in_every_escape) {
  const std::vector<std::string> secrets{"p\u00e4\"s& 1"};
  for (const char* text :
       {"p\u00e4\"s& 1", "p%C3%A4%22s%26+1", "p%e4%22s%26%201", "p\\u00e4\\\"s\\u0026 1",
        "p\u00e4\\\\\\\"s& 1", "p\\xc3\\xa4\\x22s\\x26\\x201", "p\xe4\"s& 1",
        "p&#228;&quot;s&amp; 1", "p&#xE4;&#34;s&#38;&#32;1"}) {
    EXPECT_EQ(hide_secrets(text, secrets), "***") << text;
    EXPECT_EQ(hide_secrets("{'CO' => '" + std::string{text} + "'}", secrets), "{'CO' => '***'}");
  }
  for (const char* twice :
       {"p%5Cu00e4%5C%22s%26+1", "p\\\\u00e4\\\\\\\"s& 1", "p%C3%A4%5C%22s%26+1"})
    EXPECT_EQ(hide_secrets(twice, secrets), "***") << twice;
  EXPECT_EQ(hide_secrets("CO=p%C3%A4%2", secrets), "CO=***") << "cut by the end of the text";
  EXPECT_EQ(hide_secrets("CO=p%C3%A4 other", secrets), "CO=p%C3%A4 other");
  EXPECT_EQ(hide_secrets("plain", {}), "plain");
}

TEST(redact, a_screen_message_that_repeats_the_pin_is_hidden_and_a_barcode_that_has_it_is_not) {
  message m{code::patron_status_response};
  m.add(field_id{"AF"}, "The PIN 4711 is wrong.").add(field_id{"AA"}, "21471101");
  const auto line = to_log_line(m, log_privacy::secrets, std::vector<std::string>{"4711"});
  EXPECT_NE(line.find("AFThe PIN *** is wrong.|AA21471101|"), std::string::npos) << line;
}

} // namespace
} // namespace tandem::sip2

// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/terminal_for_test.hpp>

namespace tandem::sip2 {
namespace {

TEST_F(terminal_test, relays_a_message_and_its_answer_in_one_write) {
  make();
  feed(item + '\r');
  const auto request = take_request();
  EXPECT_EQ(request.session, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(request.message,
            R"({"code":"17","fixed_fields":[")" + d + R"("],"fields":[{"AO":"i"},{"AB":"3"}]})");
  EXPECT_EQ(request.client, "192.0.2.7:4711");
  reply(item_answer);
  EXPECT_EQ(take_write(), item_line + '\r');
  EXPECT_TRUE(writes.empty());
}

TEST_F(terminal_test, every_split_of_the_input_gives_the_same_requests) {
  const std::string bytes = "9300CNu|COp|\r\n" + item + '\r';
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    make();
    requests.clear();
    feed(std::string_view{bytes}.substr(0, at));
    feed(std::string_view{bytes}.substr(at));
    ASSERT_EQ(requests.size(), 1U) << at;
    EXPECT_EQ(take_request().code, code::login);
    reply(login_ok);
    EXPECT_EQ(take_request().code, code::item_information) << at;
  }
}

TEST_F(terminal_test, pipelined_messages_are_answered_strictly_in_order) {
  make();
  feed("9300CNu|COp|\r" + item + '\r' + "9909992.00\r");
  EXPECT_EQ(requests.size(), 1U);
  take_request();
  reply(login_ok);
  EXPECT_EQ(take_write(), "941\r");
  EXPECT_EQ(take_request().code, code::item_information);
  EXPECT_TRUE(requests.empty());
  reply(item_answer);
  EXPECT_EQ(take_write(), item_line + '\r');
  EXPECT_EQ(take_request().code, code::sc_status);
}

TEST_F(terminal_test, echoes_the_sequence_and_sums_the_answer) {
  make();
  feed(checked(item, "7"));
  reply(item_answer);
  EXPECT_EQ(take_write(), checked(item_line, "7"));
}

TEST_F(terminal_test, a_bad_checksum_is_answered_with_96_and_not_relayed) {
  make();
  auto line = checked(item, "1");
  line[5] = 'x';
  feed(line);
  EXPECT_EQ(take_write(), "96AZFEF6\r");
  EXPECT_TRUE(requests.empty());
  EXPECT_EQ(counters.bad_checksums, 1U);
}

TEST_F(terminal_test, a_97_repeats_the_last_answer_to_the_byte) {
  make();
  feed("97\r");
  EXPECT_EQ(take_write(), "96\r"); // nothing to repeat
  feed("97AZFEF5\r");
  EXPECT_EQ(take_write(), "96\r"); // verbatim, a 96 too
  feed(checked(item, "3"));
  reply(item_answer);
  const auto answer = take_write();
  feed("97AZFEF5\r");
  EXPECT_EQ(take_write(), answer);
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(terminal_test, the_first_97_with_a_checksum_gets_a_96_with_one) {
  make();
  feed("97AZFEF5\r");
  EXPECT_EQ(take_write(), "96AZFEF6\r");
}

TEST_F(terminal_test, a_repeated_request_is_answered_again_and_executed_once) {
  make();
  const auto line = checked(checkout, "4");
  feed(line);
  reply(R"({"code":"12","fixed_fields":["1","N","N","Y",")" + d + R"("],"fields":[{"AO":"i"}]})");
  const auto answer = take_write();
  feed(line);
  EXPECT_EQ(take_write(), answer);
  EXPECT_EQ(requests.size(), 1U);
  EXPECT_EQ(counters.duplicates, 1U);
  // Garbled, asked for again, and sent again: still the same request.
  auto garbled = line;
  garbled[10] = '?';
  feed(garbled);
  EXPECT_EQ(take_write(), "96AZFEF6\r");
  feed(line);
  EXPECT_EQ(take_write(), answer);
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(terminal_test, another_sequence_or_another_sum_is_another_request) {
  make();
  feed(checked(checkout, "4"));
  reply("{}");
  feed(checked(checkout, "5"));
  reply("{}");
  feed(checked(item, "5"));
  EXPECT_EQ(requests.size(), 3U);
}

TEST_F(terminal_test, login_and_status_are_never_taken_for_duplicates) {
  make();
  for (const char* line : {"9909992.00", "9300CNu|COp|"}) {
    requests.clear();
    feed(checked(line, "0"));
    reply("{}");
    feed(checked(line, "0"));
    EXPECT_EQ(requests.size(), 2U) << line;
    reply("{}");
  }
}

TEST_F(terminal_test, without_a_sequence_nothing_is_a_duplicate) {
  make();
  feed(item + '\r');
  reply(item_answer);
  feed(item + '\r');
  EXPECT_EQ(requests.size(), 2U);
}

TEST_F(terminal_test, error_detection_by_profile) {
  profile p;
  p.wire.detection = error_detection::required;
  set(p);
  make();
  feed(item + '\r');
  EXPECT_EQ(take_write(), "96AZFEF6\r");
  feed(checked(item, "0"));
  reply(item_answer);
  EXPECT_EQ(take_write(), checked(item_line, "0"));

  p.wire.detection = error_detection::off;
  set(p);
  make();
  requests.clear();
  feed(item + "AY0AZ0000\r"); // wrong, and nobody cares
  EXPECT_EQ(requests.size(), 1U);
  reply(item_answer);
  EXPECT_EQ(take_write(), item_line + '\r');
}

TEST_F(terminal_test, error_detection_can_be_forwarded_as_it_used_to_be) {
  profile p;
  p.forwards_error_detection = true;
  set(p);
  make();
  feed("9909992.00AY1AZFC8D\r");
  EXPECT_NE(take_request().message.find(R"({"AY":"1AZFC8D"})"), std::string::npos);
}

TEST_F(terminal_test, unknown_codes_are_ignored_answered_or_end_the_session) {
  make();
  feed("77xyz|\r98YYY\r96\r");
  EXPECT_TRUE(writes.empty());
  EXPECT_FALSE(is_closed);
  EXPECT_EQ(counters.unknown_codes, 3U);
  profile p;
  p.unknown = unknown_code::resend;
  set(p);
  make();
  feed("77xyz|\r");
  EXPECT_EQ(take_write(), "96\r");
  p.unknown = unknown_code::close;
  set(p);
  make();
  feed("77xyz|\r");
  EXPECT_TRUE(is_closed);
  EXPECT_TRUE(t->is_finished()); // the back-end never heard of it
}

TEST_F(terminal_test, spec_codes_the_original_refused_are_relayed) {
  for (const auto* line : {"19", "25"}) {
    make();
    requests.clear();
    feed(line + d + "AOi|AB3|CHx|AAp|\r");
    EXPECT_EQ(requests.size(), 1U) << line;
  }
}

TEST_F(terminal_test, every_back_end_failure_gets_a_well_formed_answer) {
  for (const auto kind :
       {backend_failure::unreachable, backend_failure::timed_out, backend_failure::lost,
        backend_failure::status, backend_failure::bad_answer, backend_failure::overloaded,
        backend_failure::circuit_open, backend_failure::cancelled}) {
    make();
    feed(checkout + '\r');
    fail_reply(kind, kind == backend_failure::status ? 500 : 0, "some reason");
    const auto answer = take_write();
    EXPECT_EQ(answer.substr(0, 24), "120NUN" + d);
    const bool is_unsure = kind == backend_failure::timed_out || kind == backend_failure::lost ||
                           kind == backend_failure::bad_answer;
    EXPECT_NE(answer.find(is_unsure                         ? "let the staff check"
                          : kind == backend_failure::status ? "could not answer"
                                                            : "cannot be reached"),
              std::string::npos)
        << to_text(kind);
    EXPECT_FALSE(is_closed);
  }
  EXPECT_EQ(counters.failures, 8U);
}

TEST_F(terminal_test, nonsense_from_the_back_end_never_reaches_the_terminal) {
  for (const char* body :
       {"", "null", "[]", "{", "<html>", R"({"code":"77"})",
        R"({"code":"94","fixed_fields":["1"]})", R"({"code":"18","fixed_fields":["0"]})",
        R"({"code":"18"})", R"({"code":"XT"})",
        R"({"code":"18","fixed_fields":null,"fields":null})", "\xff\xfe"}) {
    make();
    feed(item + '\r');
    reply(body);
    EXPECT_EQ(take_write().substr(0, 26), "18010101" + d) << body;
    EXPECT_TRUE(t->is_connected());
  }
  EXPECT_EQ(counters.bad_answers, 12U);
}

TEST_F(terminal_test, a_status_while_the_back_end_is_down_says_off_line) {
  make();
  feed("9909992.00\r");
  fail_reply(backend_failure::circuit_open);
  EXPECT_EQ(take_write().substr(0, 12), "98NNNNNN0000");
}

TEST_F(terminal_test, a_login_that_cannot_be_asked_is_refused) {
  make();
  feed("9300CNu|COp|\r");
  fail_reply(backend_failure::timed_out);
  EXPECT_EQ(take_write(), "940\r");
  EXPECT_TRUE(t->account_name().empty());
}

TEST_F(terminal_test, the_end_of_a_session_is_told_to_the_back_end) {
  make();
  feed("9300CNu|COp|\r");
  reply(login_ok);
  requests.clear();
  t->on_end(now);
  EXPECT_TRUE(is_closed);
  const auto request = take_request();
  EXPECT_EQ(request.code, code::end_session);
  EXPECT_EQ(request.message, R"({"code":"XS","fixed_fields":[],"fields":[]})");
  EXPECT_LE(request.deadline, seconds{10});
  EXPECT_FALSE(t->is_finished());
  reply(R"({"code":"XT"})");
  EXPECT_TRUE(t->is_finished());
}

TEST_F(terminal_test, a_session_that_never_spoke_ends_without_a_word) {
  make();
  feed("\r\n\r\n");
  t->on_end(now);
  EXPECT_TRUE(t->is_finished());
  EXPECT_TRUE(requests.empty());
}

TEST_F(terminal_test, a_half_closed_terminal_still_gets_its_answers) {
  make();
  feed(item + '\r' + item + '\r');
  t->on_end(now);
  EXPECT_FALSE(is_closed);
  reply(item_answer);
  EXPECT_EQ(take_write(), item_line + '\r');
  EXPECT_FALSE(is_closed);
  reply(item_answer);
  EXPECT_EQ(take_write(), item_line + '\r');
  EXPECT_TRUE(is_closed);
}

TEST_F(terminal_test, a_lost_connection_waits_for_the_back_end_before_it_says_goodbye) {
  make();
  feed(checkout + '\r');
  t->on_lost(now);
  EXPECT_EQ(requests.size(), 1U);
  reply("{}");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].code, code::end_session);
  EXPECT_TRUE(writes.empty());
  fail_reply(backend_failure::timed_out);
  EXPECT_TRUE(t->is_finished());
}

TEST_F(terminal_test, draining_answers_what_is_in_progress_and_then_closes) {
  make();
  feed(item + '\r');
  t->drain(now);
  EXPECT_FALSE(is_closed);
  reply(item_answer);
  EXPECT_EQ(take_write(), item_line + '\r');
  EXPECT_TRUE(is_closed);
  EXPECT_EQ(requests.back().code, code::end_session);

  make();
  is_closed = false;
  t->drain(now); // idle
  EXPECT_TRUE(is_closed);
}

TEST_F(terminal_test, a_login_switches_to_the_profile_of_its_account) {
  profile kiosk;
  kiosk.name = "kiosk";
  kiosk.wire.end = line_end::crlf;
  set(kiosk);
  rules->accounts["u"] = {.login = "u",
                          .password = {},
                          .profile = "kiosk",
                          .backend_login = "system-user",
                          .backend_password = secret{"system-pass"}};
  make();
  feed("9300CNu|COp|\r");
  EXPECT_EQ(
      take_request().message,
      R"({"code":"93","fixed_fields":["0","0"],"fields":[{"CN":"system-user"},{"CO":"system-pass"}]})");
  reply(login_ok);
  EXPECT_EQ(take_write(), "941\r\n");
  EXPECT_EQ(t->account_name(), "u");
  EXPECT_EQ(t->profile_name(), "kiosk");
}

TEST_F(terminal_test, local_accounts_check_passwords_without_the_back_end) {
  rules->only_known_accounts = true;
  rules->accounts["u"] = {.login = "u",
                          .password = secret{"right"},
                          .profile = {},
                          .backend_login = {},
                          .backend_password = {},
                          .asks_backend = false};
  make();
  feed("9300CNu|COwrong|\r9300CNnobody|COright|\r9300CNu|COright|\r");
  EXPECT_EQ(take_write(), "940\r");
  EXPECT_EQ(take_write(), "940\r");
  EXPECT_EQ(take_write(), "941\r");
  EXPECT_TRUE(requests.empty());
  EXPECT_EQ(counters.refused_logins, 2U);
  EXPECT_EQ(counters.logins, 1U);
}

TEST_F(terminal_test, a_login_can_be_demanded) {
  profile p;
  p.needs_login = true;
  set(p);
  make();
  feed(item + '\r');
  EXPECT_EQ(take_write().substr(0, 8), "18010101");
  EXPECT_TRUE(requests.empty());
  feed("9909992.00\r");
  EXPECT_EQ(take_request().code, code::sc_status); // 99 before 93 is common
  reply("{}");
  feed("9300CNu|COp|\r");
  reply(login_ok);
  feed(item + '\r');
  EXPECT_EQ(requests.back().code, code::item_information);
}

TEST_F(terminal_test, an_old_terminal_is_told_so) {
  profile p;
  p.minimum_version = "2.00";
  set(p);
  make();
  feed("9909991.00\r");
  EXPECT_EQ(take_write().substr(0, 3), "98N");
  EXPECT_TRUE(requests.empty());
  feed("9909992.00\r");
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(terminal_test, a_telnet_login_becomes_a_93) {
  make(line_discipline::telnet);
  EXPECT_EQ(take_write(), "login: ");
  feed("\xff\xfb\x01siplogin\r\n");
  EXPECT_EQ(take_write(), "password: ");
  feed("secret\r\n");
  EXPECT_EQ(
      take_request().message,
      R"({"code":"93","fixed_fields":["0","0"],"fields":[{"CN":"siplogin"},{"CO":"secret"}]})");
  reply(login_bad);
  EXPECT_EQ(take_write(), "Invalid login\r\nlogin: ");
  feed("siplogin\rbetter\r");
  reply(login_ok);
  EXPECT_EQ(take_write(), "password: ");
  EXPECT_EQ(take_write(), "Login OK.  Initiating SIP\r\n");
  EXPECT_EQ(t->account_name(), "siplogin");
  requests.clear();
  feed(item + '\r');
  EXPECT_EQ(take_request().code, code::item_information);
}

TEST_F(terminal_test, a_telnet_login_has_three_tries) {
  make(line_discipline::telnet);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(is_closed);
    feed("a\rb\r");
    fail_reply(backend_failure::unreachable);
  }
  EXPECT_TRUE(is_closed);
  EXPECT_EQ(writes.back(), "Invalid login\r\n");
}

TEST_F(terminal_test, silence_ends_a_session_only_when_told_so) {
  profile p;
  p.idle_limit = seconds{900};
  set(p);
  make();
  EXPECT_EQ(t->next_due(), now + seconds{60}); // for the login
  feed("9300CNu|COp|\r");
  EXPECT_EQ(t->next_due(), std::nullopt); // the back-end is waited for
  reply(login_ok);
  EXPECT_EQ(t->next_due(), now + seconds{900});
  now += seconds{899};
  t->on_time(now);
  EXPECT_FALSE(is_closed);
  now += seconds{1};
  t->on_time(now);
  EXPECT_TRUE(is_closed);
  EXPECT_EQ(counters.idle_closes, 1U);
}

TEST_F(terminal_test, one_byte_a_minute_does_not_keep_a_connection_that_never_speaks) {
  make();
  for (int i = 0; i < 60; ++i) {
    feed("9");
    now += seconds{1};
    t->on_time(now);
  }
  EXPECT_TRUE(is_closed);
}

TEST_F(terminal_test, a_line_without_end_closes) {
  make();
  feed(std::string(70000, '9'));
  EXPECT_TRUE(is_closed);
  EXPECT_EQ(counters.overflows, 1U);
}

TEST_F(terminal_test, a_crowd_of_messages_asks_for_a_pause) {
  make();
  std::string many;
  while (many.size() < 100000) many += item + '\r';
  feed(many);
  EXPECT_TRUE(t->is_crowded());
  EXPECT_FALSE(is_closed);
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(terminal_test, a_forgotten_session_logs_in_again_and_asks_once_more) {
  profile p;
  p.relogin_on = "SESSION_REQUIRED";
  set(p);
  make();
  feed("9300CNu|COp|\r");
  reply(login_ok);
  feed(checkout + '\r');
  const auto login = requests[0].message;
  const auto message = requests[1].message;
  fail_reply(backend_failure::status, 400, "SIP2_SESSION_REQUIRED");
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[2].message, login);
  reply(login_ok);
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_EQ(requests[3].message, message);
  EXPECT_NE(requests[3].request_id, requests[1].request_id);
  fail_reply(backend_failure::status, 400, "SIP2_SESSION_REQUIRED"); // once is enough
  EXPECT_EQ(requests.size(), 4U);
  EXPECT_EQ(writes.back().substr(0, 3), "120");
}

TEST_F(terminal_test, no_password_reaches_a_trace) {
  make();
  feed("9300CNuser|COtopsecret|\r");
  reply(login_ok);
  feed("23000" + d + "AOi|AAcard|ACterm-pass|AD9876|\r");
  reply("{}");
  ASSERT_EQ(lines.size(), 4U);
  for (const auto& line : lines)
    for (const char* word : {"topsecret", "term-pass", "9876"})
      EXPECT_EQ(line.find(word), std::string::npos) << line;
}

TEST_F(terminal_test, new_rules_hold_from_the_next_message_on) {
  make();
  feed(item + '\r');
  auto changed = std::make_shared<terminal_rules>();
  profile p;
  p.wire.end = line_end::lf;
  changed->profiles["default"] = std::make_shared<const profile>(p);
  t->use_rules(changed);
  reply(item_answer);
  EXPECT_EQ(take_write(), item_line + '\n');
}

TEST_F(terminal_test, pins_that_end_in_punctuation_arrive_whole) {
  make();
  feed("9300CNu|COs3cret!\r");
  EXPECT_NE(take_request().message.find(R"({"CO":"s3cret!"})"), std::string::npos);
}

} // namespace
} // namespace tandem::sip2

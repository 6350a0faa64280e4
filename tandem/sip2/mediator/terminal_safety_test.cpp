// SPDX-License-Identifier: Apache-2.0
// What may never happen, whatever terminals and back-ends send: passwords in logs, broken lines.
#include <tandem/sip2/mediator/terminal_for_test.hpp>

#include <iterator>
#include <random>

namespace tandem::sip2 {
namespace {

TEST_F(terminal_test, a_password_is_never_the_account_name) {
  for (const char* line : {"9300CNu^COtopsecret^", "93COtopsecret|CNu", "93CNu|COtopsecret|"}) {
    make();
    requests.clear();
    lines.clear();
    feed(std::string{line} + '\r');
    take_request();
    reply(login_ok);
    EXPECT_EQ(t->account_name().find("topsecret"), std::string::npos) << line;
    feed(item + '\r');
    EXPECT_EQ(take_request().account.find("topsecret"), std::string::npos) << line;
    for (const auto& shown : lines) EXPECT_EQ(shown.find("topsecret"), std::string::npos) << shown;
    reply(item_answer);
  }
}

TEST_F(terminal_test, an_answer_that_repeats_a_pin_is_hidden_in_the_trace_and_not_on_the_wire) {
  make();
  feed("23001" + d + "AOi|AApat|AC|AD9753|\r");
  reply(R"({"code":24,"fixed_fields":["              ","001",")" + d +
        R"("],"fields":[{"AF":"PIN 9753 is wrong"}]})");
  EXPECT_NE(take_write().find("AFPIN 9753 is wrong|"), std::string::npos);
  EXPECT_NE(lines.back().find("AFPIN *** is wrong|"), std::string::npos) << lines.back();
}

TEST_F(terminal_test, the_trace_shows_answers_as_they_are_on_the_wire) {
  profile p;
  p.wire.text = charset::ascii;
  p.wire.delimiter = '^';
  p.wire.longest_value = 5;
  set(p);
  make();
  feed(checked("17" + d + "AOi^AB3^", "1"));
  reply(R"({"code":18,"fixed_fields":[3,1,1,")" + d +
        R"("],"fields":[{"AB":"3"},{"AJ":"\u00c9mma and more"}]})");
  auto written = take_write();
  written.pop_back();
  EXPECT_EQ(lines.back(), written);
  EXPECT_EQ(lines.front(), checked("17" + d + "AOi^AB3^", "1").substr(0, lines.front().size()));
}

TEST_F(terminal_test, AY_and_AZ_of_a_back_end_never_reach_the_wire) {
  make();
  feed(item + '\r');
  reply(R"({"code":18,"fixed_fields":[3,1,1,")" + d +
        R"("],"fields":[{"AB":"3"},{"AY":"1AZ0000"},{"AZ":"FFFF"},{"AJ":"Emma"}]})");
  EXPECT_EQ(take_write(), item_line + '\r');
}

TEST_F(terminal_test, fixed_fields_of_another_size_make_an_answer_unusable) {
  for (const std::string& fixed :
       {R"("03","01","01")" + std::string{",\""} + d + "\",\"x\"", std::string{R"("03","01")"},
        R"("03","01","001",")" + d + '"', R"(1234,1,1,")" + d + '"'}) {
    make();
    feed(item + '\r');
    reply(R"({"code":18,"fixed_fields":[)" + fixed + R"(],"fields":[{"AB":"3"},{"AJ":"E"}]})");
    EXPECT_EQ(take_write().substr(0, 8), "18010101") << fixed;
  }
  EXPECT_EQ(counters.bad_answers, 4U);
}

TEST_F(terminal_test, a_99_does_not_end_the_login_timeout) {
  make();
  feed("9909992.00\r");
  reply(R"({"code":98,"fixed_fields":["Y","Y","Y","Y","N","N","999","999",")" + d +
        R"(","2.00"],"fields":[]})");
  EXPECT_EQ(t->next_due(), now + seconds{60});
  feed("97\r");
  feed(item + '\r');
  fail_reply(backend_failure::status, 400, "SIP2_SESSION_REQUIRED");
  EXPECT_EQ(t->next_due(), now + seconds{60}) << "what is refused proves nothing";
  feed("9300CNu|COp|\r");
  reply(login_bad);
  EXPECT_EQ(t->next_due(), now + seconds{60});
  now += seconds{60};
  t->on_time(now);
  EXPECT_TRUE(is_closed);
  make();
  feed("9300CNu|COp|\r");
  reply(login_ok);
  EXPECT_EQ(t->next_due(), std::nullopt);
}

TEST_F(terminal_test, giving_up_refuses_what_is_in_progress_before_it_closes) {
  make();
  feed(checked(checkout, "4"));
  t->give_up("shutting down", now);
  EXPECT_EQ(take_write().substr(0, 6), "120NUN");
  EXPECT_TRUE(is_closed);
  EXPECT_TRUE(t->is_finished());
  reply(item_answer);
  EXPECT_TRUE(writes.empty());
}

TEST_F(terminal_test, error_detection_is_forwarded_where_it_is_not_used_as_well) {
  profile p;
  p.forwards_error_detection = true;
  p.wire.detection = error_detection::off;
  set(p);
  make();
  feed(checked(item, "3"));
  EXPECT_NE(take_request().message.find(R"({"AY":"3AZ)"), std::string::npos);
}

TEST_F(terminal_test, a_hundred_thousand_mutants_get_whole_answers_or_none) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string frames[] = {item,
                                checkout,
                                checked(item, "3"),
                                "9300CNu|COp|CPx|",
                                "9909992.00AY1AZFC8D",
                                "63001" + d + "Y         AOi|AAp|ADpin|",
                                "97",
                                "77what|"};
  make();
  for (int i = 0; i < 100'000; ++i) {
    auto frame = frames[below(std::size(frames))];
    for (std::size_t changes = 1 + below(4); changes > 0 && !frame.empty(); --changes) {
      const auto at = below(frame.size());
      const char c = static_cast<char>(random());
      switch (below(4)) {
      case 0: frame[at] = c; break;
      case 1: frame.erase(at, 1 + below(8)); break;
      case 2: frame.insert(at, 1, c); break;
      default: frame.insert(at, frame.substr(at, below(16))); break;
      }
    }
    feed(frame + '\r');
    while (!requests.empty()) {
      const auto asked = take_request();
      if (asked.code == code::item_information)
        reply(item_answer);
      else if (asked.code == code::login)
        reply(login_ok);
      else
        fail_reply(backend_failure::timed_out);
    }
    for (const auto& w : writes)
      ASSERT_TRUE(w.size() >= 3 && w.find_first_of(std::string_view{"\r\n\0", 3}) == w.size() - 1 &&
                  w[0] >= '0' && w[0] <= '9')
          << frame << " is answered with " << w;
    writes.clear();
    lines.clear();
    if (is_closed) make();
    is_closed = false;
  }
}

} // namespace
} // namespace tandem::sip2

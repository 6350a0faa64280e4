// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/client_session.hpp>

#include <tandem/sip2/client/requests.hpp>
#include <tandem/sip2/protocol/checksum.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

std::string checked(std::string line, std::string_view sequence) {
  append_tail(line, sequence);
  return line + '\r';
}

TEST(client_session, asks_and_is_answered_at_every_split) {
  const std::string answer = "941\r";
  for (std::size_t at = 0; at < answer.size(); ++at) {
    client_session s{{}, false, 2};
    EXPECT_EQ(s.ask(make_login("u", "p")).send, "9300CNu|COp|\r");
    EXPECT_FALSE(s.on_bytes(std::string_view{answer}.substr(0, at)).answer);
    const auto step = s.on_bytes(std::string_view{answer}.substr(at));
    ASSERT_TRUE(step.answer);
    EXPECT_EQ(step.answer->fixed, "1");
    EXPECT_EQ(s.received(), "941");
    EXPECT_FALSE(s.is_open());
  }
}

TEST(client_session, numbers_its_questions_and_wraps) {
  client_session s{{}, true, 2};
  for (int i = 0; i < 12; ++i) {
    const auto digit = std::to_string(i % 10);
    EXPECT_EQ(s.ask(make_sc_status()).send, checked("9909992.00", digit));
    EXPECT_TRUE(s.on_bytes(checked("98YYYYYY10000320240101    1200002.00AOx|BXY|", digit)).answer);
  }
}

TEST(client_session, retransmits_the_same_bytes_and_gives_up) {
  client_session s{{}, true, 2};
  const auto first = s.ask(make_login("u", "p")).send;
  EXPECT_EQ(s.on_timeout().send, first);
  EXPECT_EQ(s.on_timeout().send, first);
  EXPECT_TRUE(s.on_timeout().has_failed);
  EXPECT_FALSE(s.is_open());
}

TEST(client_session, asks_for_a_garbled_answer_again) {
  client_session s{{}, true, 2};
  (void)s.ask(make_login("u", "p"));
  EXPECT_EQ(s.on_bytes("941AY0AZ0000\r").send, "97AZFEF5\r");
  EXPECT_EQ(s.on_bytes("941\r").send, "97AZFEF5\r"); // a missing checksum is garbled too
  EXPECT_TRUE(s.on_bytes("941AY0AZ0000\r").has_failed);
}

TEST(client_session, sends_its_question_again_when_asked) {
  client_session s{{}, true, 2};
  const auto first = s.ask(make_login("u", "p")).send;
  EXPECT_EQ(s.on_bytes("96AZFEF6\r").send, first);
  EXPECT_EQ(s.on_bytes("941AY0AZ0000\r").send, "97AZFEF5\r");
  EXPECT_TRUE(s.on_bytes("96AZFEF6\r").has_failed); // 96 to a 97
}

TEST(client_session, discards_the_late_answer_to_an_older_question) {
  client_session s{{}, true, 2};
  (void)s.ask(make_login("u", "p"));
  EXPECT_TRUE(s.on_bytes(checked("941", "0")).answer);
  (void)s.ask(make_login("u", "p"));
  const auto step = s.on_bytes(checked("941", "0") + checked("940", "1"));
  ASSERT_TRUE(step.answer);
  EXPECT_EQ(step.answer->fixed, "0");
}

TEST(client_session, an_answer_to_something_else_is_no_answer) {
  client_session s{{}, false, 2};
  (void)s.ask(make_sc_status());
  EXPECT_TRUE(s.on_bytes("941\r").has_failed);
}

TEST(client_session, a_97_takes_any_answer) {
  client_session s{{}, false, 0};
  EXPECT_EQ(s.ask(make_resend_request()).send, "97\r");
  EXPECT_EQ(s.on_bytes("96\r").answer->code, code::request_sc_resend);
}

TEST(client_session, a_raw_line_goes_as_it_is) {
  client_session s{{}, true, 2};
  EXPECT_EQ(s.ask_raw("17 whatever").send, "17 whatever\r");
  EXPECT_EQ(s.on_bytes("18xx\r").answer->code.text(), "18");
}

} // namespace
} // namespace tandem::sip2

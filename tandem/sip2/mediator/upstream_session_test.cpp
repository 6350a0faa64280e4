// SPDX-License-Identifier: Apache-2.0
// The mediator as the terminal of another server: scripts of what is asked, what the server says,
// and what comes of it, also split at each byte.
#include <tandem/sip2/mediator/upstream_session.hpp>

#include <tandem/sip2/protocol/checksum.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

using news = upstream_step::news;

const std::string d = "20261120    153457";
const std::string resend = "97AZFEF5\r";

/// The line with a right tail, and its end.
std::string checked(std::string line, std::string_view sequence) {
  append_tail(line, sequence);
  return line + '\r';
}

message question() {
  message m{code::checkout, {"Y", "N", d, d}};
  m.add(field_id{"AO"}, "i").add(field_id{"AA"}, "pat").add(field_id{"AB"}, "3");
  return m;
}
const std::string question_line = "11YN" + d + d + "AOi|AApat|AB3|";
std::string answer_line(std::string_view item = "3") {
  return "121NNY" + d + "AOi|AApat|AB" + std::string{item} + "|AJEmma|AHsoon|";
}
const std::string status_line = "98YYYYYY300003" + d + "2.00AOi|BXYYYYYYYYYYYYYYYY|";

message login() {
  message m{code::login, {"0", "0"}};
  m.add(field_id{"CN"}, "u").add(field_id{"CO"}, "p");
  return m;
}

std::shared_ptr<const upstream_profile> plain() {
  upstream_profile p;
  p.wire.detection = error_detection::off;
  p.asks_status = false;
  return std::make_shared<const upstream_profile>(p);
}
std::shared_ptr<const upstream_profile>
detecting(error_detection how = error_detection::automatic) {
  upstream_profile p;
  p.wire.detection = how;
  p.asks_status = false;
  return std::make_shared<const upstream_profile>(p);
}

/// What a session made of the server's words: all it sent, and the first piece of news.
struct outcome {
  std::string sent;
  news what = news::none;
  std::string text; ///< of an answer its AB, else why
  bool is_sound = true;
};

void add(outcome& o, upstream_step&& step) {
  o.sent += step.send;
  if (step.what == news::none || o.what != news::none) return;
  o.what = step.what;
  o.text = step.what == news::answered ? std::string{step.answer.value(field_id{"AB"})} : step.text;
}

/// Asks, and hears these bytes, in pieces of that size.
outcome hear(upstream_session& s, std::string_view said, std::size_t piece) {
  outcome o;
  for (std::size_t at = 0; at < said.size(); at += piece)
    add(o, s.on_bytes(said.substr(at, piece)));
  o.is_sound = s.is_sound();
  return o;
}

struct script {
  const char* name;
  std::shared_ptr<const upstream_profile> profile;
  std::string said;
  std::string sent; ///< behind the question
  news what;
  std::string text;
  bool is_sound;
};

std::vector<script> scripts() {
  const auto with_ay = [](std::string_view ay, std::string_view item = "3") {
    return checked(answer_line(item), ay);
  };
  const std::string damaged = answer_line() + "AY0AZ0000\r";
  const std::string confirm = "9909992.00\r";
  return {
      {"an answer", plain(), answer_line() + '\r', "", news::answered, "3", true},
      {"an answer ended by CR LF", plain(), answer_line() + "\r\n", "", news::answered, "3", true},
      {"an answer ended by LF", plain(), answer_line() + '\n', "", news::answered, "3", true},
      {"with AY and AZ", detecting(), with_ay("0"), "", news::answered, "3", true},
      {"without, where they are not demanded", detecting(), answer_line() + '\r', "",
       news::answered, "3", true},
      {"without, where they are: asked for again, three times",
       detecting(error_detection::required),
       answer_line() + '\r' + answer_line() + '\r' + answer_line() + '\r' + answer_line() + '\r',
       resend + resend + resend, news::broken, "its answers have no checksum", false},
      {"a wrong AZ is asked for again (97)", detecting(), damaged + with_ay("0"), resend,
       news::answered, "3", true},
      {"and may come under an AY of the server's own", detecting(), damaged + with_ay("7"), resend,
       news::answered, "3", true},
      {"a wrong AZ for ever", detecting(), damaged + damaged + damaged + damaged,
       resend + resend + resend, news::broken, "its checksums are wrong", false},
      {"the AY of another question is no answer, and the connection is used no more", detecting(),
       with_ay("9", "other") + with_ay("0"), resend, news::answered, "3", false},
      {"a 96 gets the same bytes", detecting(), "96AZFEF6\r" + with_ay("0"),
       checked(question_line, "0"), news::answered, "3", true},
      {"a 96 for a 97 ends it", detecting(), damaged + "96AZFEF6\r", resend, news::broken,
       "it does not understand what it is asked (96)", false},
      {"a 96 for ever", plain(), "96\r96\r96\r96\r",
       question_line + '\r' + question_line + '\r' + question_line + '\r', news::broken,
       "it does not understand what it is asked (96)", false},
      {"another code", plain(), "101YUN" + d + "AOi|AB3|AQ|\r", "", news::broken,
       "it answers 11 with 10", false},
      {"a request is no answer", plain(), "9909992.00\r" + answer_line() + '\r', "97\r",
       news::answered, "3", true},
      {"text that is not SIP2", plain(),
       "Problems handling the request: x\r" + answer_line() + '\r', "97\r", news::answered, "3",
       true},
      {"fixed fields that are cut short", plain(), "121N|AOi|AB3|\r", "", news::broken,
       "the fixed fields of its 12 are too short", false},
      {"two answers: the second is nobody's", plain(), answer_line() + '\r' + answer_line() + '\r',
       "", news::answered, "3", false},
      {"the answer about another item, while nothing says whose it is, is found out by a 99",
       plain(), answer_line("other") + '\r' + answer_line() + '\r' + status_line + '\r', confirm,
       news::answered, "3", true},
      {"a server that says barcodes in its own way is believed", plain(),
       answer_line("00003") + '\r' + status_line + '\r', confirm, news::answered, "00003", true},
      {"one that answers about others for ever is not", plain(),
       answer_line("x") + '\r' + answer_line("y") + '\r', confirm, news::broken,
       "which question its answers belong to cannot be told", false},
      {"with the right AY it may say what it likes", detecting(), with_ay("0", "00003"), "",
       news::answered, "00003", true},
  };
}

TEST(upstream_session, scripts_of_a_server_also_split_at_each_byte) {
  for (const auto& s : scripts())
    for (const std::size_t piece : {s.said.size(), std::size_t{1}, std::size_t{7}}) {
      SCOPED_TRACE(std::string{s.name} + ", pieces of " + std::to_string(piece));
      upstream_session session{s.profile, std::nullopt};
      EXPECT_EQ(session.begin().what, news::ready);
      const bool has_tail = s.profile->wire.detection != error_detection::off;
      EXPECT_EQ(session.ask(question()).send,
                has_tail ? checked(question_line, "0") : question_line + '\r');
      const auto o = hear(session, s.said, piece);
      EXPECT_EQ(o.sent, s.sent);
      EXPECT_EQ(o.what, s.what);
      EXPECT_EQ(o.text, s.text);
      // Split, the line behind an answer is noticed when it comes, and breaks the session.
      EXPECT_EQ(o.is_sound, s.is_sound);
    }
}

TEST(upstream_session, every_truncation_is_no_answer) {
  const std::string whole = checked(answer_line(), "0");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    upstream_session session{detecting(), std::nullopt};
    (void)session.begin();
    (void)session.ask(question());
    EXPECT_EQ(hear(session, whole.substr(0, n), whole.size()).what, news::none) << n;
  }
}

TEST(upstream_session, logs_in_with_its_account_and_asks_for_the_status) {
  auto p = *plain();
  p.asks_status = true;
  upstream_session s{std::make_shared<const upstream_profile>(p), login()};
  EXPECT_EQ(s.begin().send, "9300CNu|COp|\r");
  const auto status = s.on_bytes("941\r");
  EXPECT_EQ(status.send, "9909992.00\r");
  EXPECT_FALSE(s.is_idle());
  EXPECT_EQ(s.on_bytes(status_line + '\r').what, news::ready);
  EXPECT_TRUE(s.is_idle());
  ASSERT_TRUE(s.status());
  EXPECT_EQ(s.status()->value(field_id{"BX"}), "YYYYYYYYYYYYYYYY");
}

TEST(upstream_session, a_login_that_is_refused_is_told) {
  upstream_session s{plain(), login()};
  (void)s.begin();
  EXPECT_EQ(s.on_bytes("940\r").what, news::refused);
}

TEST(upstream_session, logs_in_in_words) {
  for (const char* verdict : {"Login OK.  Initiating SIP\r\n", "u\r\nWelcome\r\n"}) {
    auto p = *plain();
    p.dialogue = upstream_dialogue::telnet;
    upstream_session s{std::make_shared<const upstream_profile>(p), login()};
    EXPECT_EQ(s.begin().send, "");
    EXPECT_EQ(s.on_bytes("\xff\xfb\x01Library system\r\nlogin").send, "");
    EXPECT_EQ(s.on_bytes(": ").send, "u\r");
    EXPECT_EQ(s.on_bytes("Password: ").send, "p\r");
    EXPECT_EQ(s.on_bytes(verdict).what, news::ready);
    EXPECT_EQ(s.ask(question()).send, question_line + '\r');
    EXPECT_EQ(s.on_bytes(answer_line() + "\r\n").what, news::answered);
  }
  auto p = *plain();
  p.dialogue = upstream_dialogue::telnet;
  upstream_session s{std::make_shared<const upstream_profile>(p), login()};
  (void)s.begin();
  (void)s.on_bytes("login:");
  (void)s.on_bytes("password:");
  EXPECT_EQ(s.on_bytes("Invalid login\r\nlogin: ").what, news::refused);
  upstream_session chatty{std::make_shared<const upstream_profile>(p), login()};
  (void)chatty.begin();
  EXPECT_EQ(chatty.on_bytes(std::string(5000, 'x')).what, news::broken);
  upstream_session stranger{std::make_shared<const upstream_profile>(p), std::nullopt};
  EXPECT_EQ(stranger.begin().what, news::broken) << "nobody to log in as";
}

TEST(upstream_session, what_nobody_asked_for_breaks_an_idle_session) {
  for (const std::string& said : {answer_line() + "\r", std::string{"x"}}) {
    upstream_session s{plain(), std::nullopt};
    (void)s.begin();
    EXPECT_EQ(s.on_bytes(said).what, news::broken) << said;
  }
}

TEST(upstream_session, sequence_numbers_wrap_and_are_its_own) {
  upstream_session s{detecting(), std::nullopt};
  (void)s.begin();
  for (int i = 0; i < 25; ++i) {
    const auto ay = std::to_string(i % 10);
    EXPECT_EQ(s.ask(question()).send, checked(question_line, ay));
    EXPECT_EQ(s.on_bytes(checked(answer_line(), ay)).what, news::answered);
  }
}

TEST(upstream_session, dates_follow_the_habits_of_the_server) {
  auto p = *plain();
  p.dates = upstream_dates::utc;
  upstream_session s{std::make_shared<const upstream_profile>(p), std::nullopt};
  (void)s.begin();
  message m{code::checkout, {"Y", "N", "20261120   R153457", ""}};
  EXPECT_EQ(s.ask(m).send, "11YN20261120   Z203457" + std::string(18, ' ') + '\r')
      << "a due date that is blank stays so";
}

TEST(upstream_session, text_is_in_the_character_set_of_the_server) {
  auto p = *plain();
  p.wire.text = charset::cp850;
  upstream_session s{std::make_shared<const upstream_profile>(p), std::nullopt};
  (void)s.begin();
  message m{code::patron_status, {"001", d}};
  m.add(field_id{"AA"}, "José");
  EXPECT_EQ(s.ask(m).send, "23001" + d + "AAJos\x82|\r");
  const auto step = s.on_bytes("24              001" + d + "AOi|AAJos\x82|AER\x82my|\r");
  EXPECT_EQ(step.answer.value(field_id{"AE"}), "Rémy");
}

} // namespace
} // namespace tandem::sip2

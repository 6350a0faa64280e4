// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/relogin.hpp>

#include <tandem/sip2/mediator/library_for_test.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

const message first_login{code::login, {"0", "0"}};
const backend_error forgotten{backend_failure::status, 400, "", "SIP2_SESSION_REQUIRED"};
constexpr std::string_view mark = "SESSION_REQUIRED";
constexpr auto asked = code::item_information;

TEST(relogin, a_forgotten_session_gets_its_login_and_its_message_once_more) {
  relogin r;
  r.on_login(first_login);
  r.on_message();
  EXPECT_TRUE(r.on_failure(forgotten, asked, mark));
  EXPECT_TRUE(r.is_pending());
  EXPECT_EQ(r.login(), first_login);
  EXPECT_TRUE(r.on_reply(said(R"({"code":"94","fixed_fields":["1"]})")));
  EXPECT_FALSE(r.is_pending());
  EXPECT_FALSE(r.on_failure(forgotten, asked, mark)) << "once is enough";
  r.on_message();
  EXPECT_TRUE(r.on_failure(forgotten, asked, mark)) << "for each message";
}

TEST(relogin, nothing_but_the_back_end_s_word_is_a_reason) {
  const auto is_tried = [](const backend_error& error, message_code failed, std::string_view what) {
    relogin r;
    r.on_login(first_login);
    r.on_message();
    return r.on_failure(error, failed, what);
  };
  EXPECT_TRUE(is_tried(forgotten, asked, mark));
  EXPECT_FALSE(is_tried(forgotten, asked, "")) << "not asked for";
  EXPECT_FALSE(is_tried(forgotten, asked, "OTHER"));
  EXPECT_FALSE(is_tried(forgotten, code::login, mark)) << "a login that is refused is refused";
  auto lost = forgotten;
  lost.kind = backend_failure::lost;
  EXPECT_FALSE(is_tried(lost, asked, mark)) << "it may have been executed";
  relogin without_login;
  without_login.on_message();
  EXPECT_FALSE(without_login.on_failure(forgotten, asked, mark));
}

TEST(relogin, a_login_that_is_not_taken_ends_it) {
  for (const backend_reply& reply :
       {said(R"({"code":"94","fixed_fields":["0"]})"), said("nonsense"), said(R"({"code":"98"})"),
        said(R"({"code":"94"})"), said(R"({"code":"94","fixed_fields":["1","surplus"]})"),
        said(R"({"code":"94","fixed_fields":[1,1]})"), said(R"({"code":"94","fixed_fields":[12]})"),
        backend_reply{tandem::fail(backend_error{backend_failure::timed_out, 0, "", ""})}}) {
    relogin r;
    r.on_login(first_login);
    r.on_message();
    ASSERT_TRUE(r.on_failure(forgotten, asked, mark));
    EXPECT_FALSE(r.on_reply(reply));
    EXPECT_FALSE(r.is_pending());
  }
}

} // namespace
} // namespace tandem::sip2

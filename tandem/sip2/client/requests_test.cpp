// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/requests.hpp>

#include <tandem/sip2/protocol/pretty.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

/// The line with each date as <date>.
std::string shape(const message& m) {
  auto line = write_message(m, {});
  for (std::size_t i = 0; i + 18 <= line.size(); ++i)
    if (looks_like_date(std::string_view{line}.substr(i, 18))) line.replace(i, 18, "<date>");
  return line;
}

const request_basics basics{.institution = "inst",
                            .patron = "pat",
                            .patron_password = "pin",
                            .terminal_password = {},
                            .item = "item"};

TEST(requests, have_the_shape_of_the_original_client) {
  EXPECT_EQ(shape(make_login("user", "pass")), "9300CNuser|COpass|\r");
  EXPECT_EQ(shape(make_sc_status()), "9909992.00\r");
  EXPECT_EQ(shape(make_item_information(basics)), "17<date>ABitem|AOinst|\r");
  EXPECT_EQ(shape(make_patron_status(basics)), "23000<date>AApat|ADpin|AOinst|\r");
  EXPECT_EQ(shape(make_patron_information(basics)), "63000<date>          AApat|ADpin|AOinst|\r");
  EXPECT_EQ(shape(make_checkout(basics)), "11NN<date><date>AApat|ABitem|ADpin|AOinst|\r");
  EXPECT_EQ(shape(make_renew(basics)), "29YN<date><date>AApat|ABitem|ADpin|AOinst|\r");
  EXPECT_EQ(shape(make_renew_all(basics)), "65<date>AApat|ADpin|AOinst|\r");
  EXPECT_EQ(shape(make_checkin(basics, "desk")), "09N<date><date>ABitem|AOinst|APdesk|\r");
  EXPECT_EQ(shape(make_hold(basics, hold_mode::remove)), "15-<date>AApat|ABitem|ADpin|AOinst|\r");
  EXPECT_EQ(
      shape(make_fee_paid(basics, {.amount = "1.50", .fee_identifier = "f1", .transaction = {}})),
      "37<date>0100USDAApat|ADpin|AOinst|BV1.50|CGf1|\r");
}

TEST(requests, the_others_too) {
  EXPECT_EQ(shape(make_resend_request()), "97\r");
  EXPECT_EQ(shape(make_patron_enable(basics)), "25<date>AApat|ADpin|AOinst|\r");
  EXPECT_EQ(shape(make_block_patron(basics, "lost")), "01N<date>AApat|ALlost|AOinst|\r");
  EXPECT_EQ(shape(make_end_patron_session(basics)), "35<date>AApat|ADpin|AOinst|\r");
  EXPECT_EQ(shape(make_item_status_update(basics, "x")), "19<date>ABitem|AOinst|CHx|\r");
  EXPECT_EQ(shape(make_hold(basics, hold_mode::add, "branch")),
            "15+<date>AApat|ABitem|ADpin|AOinst|BSbranch|\r");
}

TEST(requests, an_answer_says_whether_it_was_done) {
  message lent{code::checkout_response, {"1"}};
  EXPECT_TRUE(says_ok(lent));
  EXPECT_FALSE(says_ok(message{code::checkout_response}));
  EXPECT_FALSE(says_ok(message{code::login_response}));
  message patron{code::patron_status_response};
  EXPECT_TRUE(says_ok(patron));
  patron.add(field_id{"BL"}, "N");
  EXPECT_FALSE(says_ok(patron));
  EXPECT_FALSE(says_ok(message{code::item_information_response}));
  EXPECT_FALSE(says_ok(message{code::fee_paid_response}));
}

TEST(pretty, names_every_field_in_a_column) {
  message m{code::login, {"0", "0"}};
  m.add(field_id{"CN"}, "user\r\n").add(field_id{"ZZ"}, "x");
  EXPECT_EQ(to_pretty(m), "[93] Login Request\n"
                          "UID algorithm                     0 (not encrypted)\n"
                          "PWD algorithm                     0 (not encrypted)\n"
                          "[CN] login user id                user  \n"
                          "[ZZ] unknown field                x\n");
}

} // namespace
} // namespace tandem::sip2

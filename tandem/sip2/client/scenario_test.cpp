// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/scenario.hpp>

#include <tandem/sip2/client/server_for_test.hpp>

#include <gtest/gtest.h>

#include <set>

namespace tandem::sip2 {
namespace {

scenario whole() {
  scenario s;
  s.user = "u";
  s.password = "p";
  s.basics = {.institution = "i",
              .patron = "2",
              .patron_password = "",
              .terminal_password = "",
              .item = "3"};
  return s;
}

TEST(scenario, every_name_makes_a_request_of_its_own_that_the_protocol_knows) {
  std::set<std::string> lines;
  for (const auto& m : named_messages()) {
    const auto request = make_named(m.name, whole());
    ASSERT_TRUE(request) << m.name;
    ASSERT_TRUE(request->spec()) << m.name;
    EXPECT_EQ(request->spec()->way, direction::to_acs) << m.name;
    EXPECT_EQ(m.help.substr(0, 2), request->code.text()) << m.name;
    EXPECT_TRUE(
        lines.insert(std::string{request->code.text()} + request->fixed.substr(0, 1)).second)
        << m.name;
    EXPECT_EQ(request->has(field_id{"AA"}), m.needs_patron) << m.name;
    EXPECT_EQ(find_named_message(m.name), &m);
  }
  EXPECT_FALSE(make_named("nonsense", whole()));
}

TEST(scenario, values_reach_the_messages_that_take_them) {
  auto s = whole();
  s.acknowledges_fee = true;
  s.with_cancel = true;
  s.start_item = "2";
  s.properties = "x";
  for (const char* name : {"checkout", "renew", "renew-all", "hold"})
    EXPECT_EQ(make_named(name, s)->value(field_id{"BO"}), "Y") << name;
  EXPECT_FALSE(make_named("cancel-hold", s)->has(field_id{"BO"}));
  EXPECT_EQ(make_named("checkin", s)->value(field_id{"BI"}), "Y");
  EXPECT_EQ(make_named("patron-information", s)->value(field_id{"BP"}), "2");
  EXPECT_EQ(make_named("item-status-update", s)->value(field_id{"CH"}), "x");
}

TEST(scenario, what_is_missing_is_told_in_the_original_s_words) {
  EXPECT_EQ(find_missing({}), "! --sip-username required !");
  auto s = whole();
  EXPECT_EQ(find_missing(s), "");
  s.messages = {"checkout", "raw:77", "sc-status"};
  EXPECT_EQ(find_missing(s), "");
  s.basics.item.clear();
  EXPECT_EQ(find_missing(s), "! --item-barcode required for checkout !");
  s.messages = {"checkuot"};
  EXPECT_EQ(find_missing(s), "! unknown message 'checkuot'; did you mean checkout? !");
  s.messages = {"raw:"};
  EXPECT_NE(find_missing(s), "");
  s.messages.clear();
  s.summary = "Y";
  EXPECT_NE(find_missing(s).find("10 characters"), std::string::npos);
}

TEST(scenario, every_terminal_of_a_run_asks_the_whole_list_each_time) {
  const server_for_test server;
  auto s = whole();
  s.server.port = server.port();
  s.messages = {"sc-status", "raw:9909992.00"};
  s.repeat = 3;
  s.parallel = 4;
  std::size_t sent = 0, answered = 0;
  auto r = run(s, {[&](const message&, std::string_view) { ++sent; },
                   [&](const exchange& e) { answered += e.is_ok ? 1U : 0U; }});
  EXPECT_EQ(r.end, run_end::done) << r.text;
  EXPECT_EQ(r.times.size(), 4U * 3U * 2U);
  EXPECT_EQ(sent, r.times.size() + 4U) << "and four logins";
  EXPECT_EQ(answered, sent);
}

TEST(scenario, how_a_run_ended_is_told_the_gravest_first) {
  const auto end_of = [](server_flaw flaw) {
    const server_for_test server{flaw};
    auto s = whole();
    s.server.port = server.port();
    s.messages = {"checkout", "sc-status"}; // the library refuses every checkout
    return run(s, {}).end;
  };
  EXPECT_EQ(end_of(server_flaw::none), run_end::answered_no);
  EXPECT_EQ(end_of(server_flaw::refuses_logins), run_end::login_refused);
  EXPECT_EQ(end_of(server_flaw::hangs_up), run_end::no_answer);
  auto nobody = whole();
  nobody.server.port = 1; // tcpmux: nobody listens
  EXPECT_EQ(run(nobody, {}).end, run_end::cannot_connect);
}

TEST(scenario, percentiles_are_of_the_times_that_there_are) {
  std::vector<duration> none;
  EXPECT_EQ(percentile(none, 0.5), duration{0});
  std::vector<duration> times{milliseconds{3}, milliseconds{1}, milliseconds{2}};
  EXPECT_EQ(percentile(times, 0.5), milliseconds{2});
  EXPECT_EQ(percentile(times, 1), milliseconds{3});
}

} // namespace
} // namespace tandem::sip2

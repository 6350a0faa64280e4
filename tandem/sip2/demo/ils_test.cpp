// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/demo/ils.hpp>

#include <tandem/sip2/protocol/json.hpp>
#include <tandem/sip2/protocol/parser.hpp>

#include <gtest/gtest.h>

#include <sstream>

namespace tandem::sip2 {
namespace {

const std::string d = "20261120    153457";

class demo_ils_test : public testing::Test {
 public:
  demo_ils_test() { EXPECT_EQ(ask("9300CNsiplogin|COsippassword|").fixed, "1"); }

  message ask(std::string_view line) {
    const auto request = read_message(*open_line(line, {}), {});
    const auto answer = ils.handle("s1", to_json(request), now);
    EXPECT_EQ(answer.status, 200U) << line << answer.body;
    json_notes notes;
    const auto m = from_json(answer.body, {}, &notes);
    EXPECT_TRUE(m) << answer.body;
    if (!m) return {};
    EXPECT_EQ(m->code, request.spec()->answer) << line;
    EXPECT_FALSE(notes.short_fixed || notes.long_fixed || notes.odd_field) << answer.body;
    std::istringstream ids{std::string{m->spec()->required}};
    for (std::string id; ids >> id;) EXPECT_TRUE(m->has(field_id::of(id))) << line << id;
    return *m;
  }
  message checkout(std::string_view patron, std::string_view item, std::string_view more = {}) {
    return ask("11YN" + d + d + "AODEMO|AA" + std::string{patron} + "|AB" + std::string{item} +
               "|AC|" + std::string{more});
  }
  message checkin(std::string_view item, std::string_view place = "MAIN") {
    return ask("09N" + d + d + "AP" + std::string{place} + "|AODEMO|AB" + std::string{item} +
               "|AC|");
  }
  message information(std::string_view patron, std::string_view summary) {
    return ask("63001" + d + std::string{summary} + "AODEMO|AA" + std::string{patron} + "|AC|");
  }

  wall_time now = *parse_date(d);
  demo_ils ils{":memory:", now};
};

TEST_F(demo_ils_test, answers_every_request_of_the_protocol) {
  for (const auto& row : all_messages()) {
    if (row.way != direction::to_acs || row.code == code::request_acs_resend) continue;
    message request{row.code};
    std::istringstream ids{std::string{row.required}};
    for (std::string id; ids >> id;) request.add(field_id::of(id), "x");
    const auto answer = ils.handle("s1", to_json(request), now);
    EXPECT_EQ(answer.status, 200U) << row.name << answer.body;
    EXPECT_EQ(from_json(answer.body)->code, row.answer) << row.name;
  }
}

TEST_F(demo_ils_test, wants_a_session_that_has_logged_in) {
  const auto item = R"({"code":"17","fixed_fields":[],"fields":[{"AB":"31000001"}]})";
  EXPECT_EQ(ils.handle("", item, now).status, 403U);
  const auto refused = ils.handle("other", item, now);
  EXPECT_EQ(refused.status, 400U);
  EXPECT_NE(refused.body.find("SIP2_SESSION_REQUIRED"), std::string::npos);
  EXPECT_EQ(ils.handle("s1", item, now).status, 200U);
  EXPECT_EQ(ils.handle("s1", R"({"code":"XS"})", now).body,
            R"({"code":"XT","fixed_fields":[],"fields":[]})");
  EXPECT_EQ(ils.handle("s1", item, now).status, 400U);
  EXPECT_EQ(ils.handle("s1", "nonsense", now).status, 400U);
  EXPECT_EQ(ils.handle("s1", R"({"code":"97"})", now).status, 400U);
}

TEST_F(demo_ils_test, lends_and_takes_back) {
  const auto lent = checkout("21000001", "31000001");
  EXPECT_EQ(lent.fixed.substr(0, 4), "1NNY");
  EXPECT_EQ(lent.value(field_id{"AJ"}), "A Garden of Small Rules");
  EXPECT_EQ(lent.value(field_id{"AH"}), "2026-12-11");
  EXPECT_EQ(ask("17" + d + "AODEMO|AB31000001|").fixed.substr(0, 2), "04");
  EXPECT_EQ(checkout("21000003", "31000001").fixed[0], '0'); // somebody else's
  EXPECT_EQ(checkout("21000001", "31000001").fixed.substr(0, 2), "1Y");
  const auto back = checkin("31000001");
  EXPECT_EQ(back.fixed.substr(0, 4), "1YNN");
  EXPECT_EQ(back.value(field_id{"AA"}), "21000001");
  EXPECT_EQ(ask("17" + d + "AODEMO|AB31000001|").fixed.substr(0, 2), "03");
}

TEST_F(demo_ils_test, refuses_with_a_reason) {
  EXPECT_EQ(checkout("none", "31000001").value(field_id{"AF"}), "This card is not known.");
  EXPECT_EQ(checkout("21000001", "none").value(field_id{"AF"}), "This item is not known.");
  EXPECT_EQ(checkout("21000001", "31000001", "AD9|").value(field_id{"AF"}), "The PIN is wrong.");
  EXPECT_EQ(checkout("21000005", "31000001").fixed[0], '0');
  EXPECT_EQ(checkout("21000004", "31000001").fixed[0], '0'); // owes too much
  EXPECT_EQ(checkout("21000001", "31000008").value(field_id{"AF"}),
            "The item is kept for another reader.");
}

TEST_F(demo_ils_test, a_fee_must_be_acknowledged) {
  const auto refused = checkout("21000001", "31000006");
  EXPECT_EQ(refused.fixed[0], '0');
  EXPECT_EQ(refused.value(field_id{"BV"}), "1.50");
  EXPECT_EQ(refused.value(field_id{"BT"}), "06");
  EXPECT_EQ(checkout("21000001", "31000006", "BOY|").fixed[0], '1');
  EXPECT_EQ(information("21000001", "   Y      ").value(field_id{"AV"}),
            "Rental: The Slow Train 1.50");
  EXPECT_EQ(checkout("21000001", "31000006", "BIY|").fixed[0], '1'); // cancelled
  EXPECT_EQ(information("21000001", "   Y      ").value(field_id{"BV"}), "0.00");
}

TEST_F(demo_ils_test, what_happened_off_line_is_not_refused) {
  const auto lent = ask("11YY" + d + d + "AODEMO|AA21000004|AB31000002|AC|");
  EXPECT_EQ(lent.fixed[0], '1');
}

TEST_F(demo_ils_test, an_item_somebody_waits_for_goes_to_the_shelf_or_on_the_way) {
  const auto here = checkin("31000004", "MAIN");
  EXPECT_EQ(here.fixed_named("alert"), "Y");
  EXPECT_EQ(here.value(field_id{"CV"}), "01");
  EXPECT_EQ(here.value(field_id{"CY"}), "21000001");
  EXPECT_EQ(here.value(field_id{"DA"}), "Ada Example");
  EXPECT_EQ(ask("17" + d + "AODEMO|AB31000004|").fixed.substr(0, 2), "08");
  const auto far = checkin("31000010", "MAIN"); // belongs to the branch
  EXPECT_EQ(far.value(field_id{"CV"}), "04");
  EXPECT_EQ(far.value(field_id{"CT"}), "BRANCH");
  EXPECT_EQ(checkin("none").value(field_id{"CV"}), "00");
  EXPECT_EQ(checkin("none").fixed.substr(0, 4), "0NUN");
}

TEST_F(demo_ils_test, a_late_return_costs) {
  checkin("31000004");
  const auto p = information("21000004", "   Y      ");
  EXPECT_EQ(p.values(field_id{"AV"}).back(), "Overdue: Vom \u00dc"
                                             "ben 2.75");
}

TEST_F(demo_ils_test, patron_information_counts_lists_and_windows) {
  const auto p = information("21000004", "  Y       ");
  EXPECT_EQ(p.fixed_named("charged items count"), "0002");
  EXPECT_EQ(p.fixed_named("overdue items count"), "0001");
  EXPECT_EQ(p.fixed_named("recall items count"), "0001");
  EXPECT_EQ(p.values(field_id{"AU"}).size(), 2U);
  EXPECT_EQ(p.fixed_named("patron status")[10], 'Y'); // owes 12.75
  const auto window = ask("63001" + d + "  Y       AODEMO|AA21000004|BP2|BQ2|");
  EXPECT_EQ(window.values(field_id{"AU"}), std::vector<std::string_view>{"31000007"});
  const auto pin = ask("63001" + d + "          AODEMO|AA21000002|ADs3cret!|");
  EXPECT_EQ(pin.value(field_id{"CQ"}), "Y");
  EXPECT_EQ(pin.value(field_id{"AE"}), "Jos\u00e9 \u00d1u\u00f1ez");
  EXPECT_EQ(information("none", "          ").value(field_id{"BL"}), "N");
}

TEST_F(demo_ils_test, renews_one_and_all) {
  const std::string who = "AODEMO|AA21000002|ADs3cret!|";
  EXPECT_EQ(ask("29NN" + d + d + who + "AB31000005|").fixed.substr(0, 2), "1Y");
  const auto all = ask("65" + d + who);
  EXPECT_EQ(all.fixed.substr(0, 9), "100010000");
  EXPECT_EQ(all.value(field_id{"BM"}), "31000005");
  EXPECT_EQ(ask("29NN" + d + d + "AODEMO|AA21000001|AD1234|AB31000005|").fixed[0], '0');
}

TEST_F(demo_ils_test, a_wrong_pin_is_refused_in_every_message_and_changes_nothing) {
  const auto due = [&] {
    return std::string{ask("17" + d + "AODEMO|AB31000005|").value(field_id{"AH"})};
  };
  const auto before = due();
  for (const char* pin : {"AD9999|", "AD|", "AD9999|ADs3cret!|"}) {
    const std::string who = "AODEMO|AA21000002|AB31000005|AC|" + std::string{pin};
    const std::string free = "AODEMO|AA21000002|AB31000001|AC|" + std::string{pin};
    for (const auto& line :
         {"29NN" + d + d + who, "29NY" + d + d + who, "65" + d + who, "15+" + d + who,
          "37" + d + "0100USDBV1.00|" + who, "35" + d + who, "11YN" + d + d + who,
          "11NN" + d + d + who + "BIY|", "11NN" + d + d + free, "11NY" + d + d + free}) {
      const auto answer = ask(line);
      EXPECT_TRUE(answer.fixed[0] == '0' || answer.fixed[0] == 'N') << line;
      EXPECT_EQ(answer.value(field_id{"AF"}), "The PIN is wrong.") << line;
    }
    for (const auto& line : {"23001" + d + who, "63001" + d + "Y         " + who, "25" + d + who}) {
      const auto answer = ask(line);
      EXPECT_EQ(answer.value(field_id{"CQ"}), "N") << line;
      EXPECT_EQ(answer.value(field_id{"AF"}), "The PIN is wrong.") << line;
      if (answer.code == code::patron_enable_response) continue;
      EXPECT_FALSE(answer.has(field_id{"BD"}) || answer.has(field_id{"BV"})) << line;
    }
  }
  EXPECT_EQ(due(), before);
  EXPECT_EQ(ask("17" + d + "AODEMO|AB31000001|").fixed.substr(0, 2), "03");
}

TEST_F(demo_ils_test, a_renewal_needs_the_pin_and_nothing_else_does) {
  const std::string who = "AODEMO|AA21000002|AB31000005|";
  for (const auto& line : {"29NN" + d + d + who, "29NY" + d + d + who, "65" + d + who}) {
    const auto answer = ask(line);
    EXPECT_EQ(answer.fixed[0], '0') << line;
    EXPECT_EQ(answer.value(field_id{"AF"}), "The PIN is needed.") << line;
  }
  EXPECT_FALSE(information("21000002", "          ").has(field_id{"CQ"}));
  EXPECT_EQ(checkout("21000002", "31000001").fixed[0], '1');
}

TEST_F(demo_ils_test, an_off_line_renewal_is_for_who_has_the_item) {
  EXPECT_EQ(ask("29NY" + d + d + "AODEMO|AA21000001|AD1234|AB31000005|").fixed[0], '0');
  EXPECT_EQ(ask("29NY" + d + d + "AODEMO|AA21000002|ADs3cret!|AB31000005|").fixed[0], '1');
}

TEST_F(demo_ils_test, unknown_items_and_cards_are_answered_as_the_protocol_has_it) {
  EXPECT_EQ(ask("17" + d + "AODEMO|ABnone|").fixed.substr(0, 6), "010101");
  EXPECT_EQ(checkout("21000001", "none").fixed.substr(0, 4), "0NUN");
  EXPECT_EQ(ask("29NN" + d + d + "AODEMO|AA21000001|AD1234|ABnone|").fixed.substr(0, 4), "0NUN");
  EXPECT_EQ(ask("19" + d + "AODEMO|ABnone|CHx|").fixed[0], '0');
  for (const auto& line : {"01N" + d + "AODEMO|ALx|AAnone|AC|", "25" + d + "AODEMO|AAnone|"}) {
    const auto answer = ask(line);
    EXPECT_EQ(answer.fixed.substr(0, 17), "YYYY          000") << line;
    EXPECT_EQ(answer.value(field_id{"BL"}), "N");
    EXPECT_EQ(answer.value(field_id{"AF"}), "This card is not known.");
  }
}

TEST_F(demo_ils_test, places_changes_and_cancels_holds) {
  const auto placed = ask("15+" + d + "AODEMO|AA21000001|AB31000005|BSBRANCH|");
  EXPECT_EQ(placed.fixed.substr(0, 2), "1N");
  EXPECT_EQ(placed.value(field_id{"BR"}), "1");
  EXPECT_EQ(placed.value(field_id{"BS"}), "BRANCH");
  EXPECT_EQ(ask("15+" + d + "AODEMO|AA21000001|AB31000005|").fixed[0], '0'); // twice
  EXPECT_EQ(ask("15*" + d + "AODEMO|AA21000001|AB31000005|BSMAIN|").fixed[0], '1');
  EXPECT_EQ(ask("15-" + d + "AODEMO|AA21000001|AB31000005|").fixed[0], '1');
  EXPECT_EQ(ask("15-" + d + "AODEMO|AA21000001|AB31000005|").fixed[0], '0');
  EXPECT_EQ(ask("15+" + d + "AODEMO|AA21000001|AJpaper boats|").value(field_id{"AB"}), "31000010");
}

TEST_F(demo_ils_test, takes_payments) {
  EXPECT_EQ(ask("37" + d + "0400USDBV100.00|AODEMO|AA21000004|").fixed[0], 'N');
  EXPECT_EQ(ask("37" + d + "0400USDBVmuch|AODEMO|AA21000004|").fixed[0], 'N');
  const auto paid = ask("37" + d + "0400USDBV12.75|AODEMO|AA21000004|BKtx1|");
  EXPECT_EQ(paid.fixed[0], 'Y');
  EXPECT_EQ(paid.value(field_id{"BK"}), "tx1");
  EXPECT_EQ(information("21000004", "          ").value(field_id{"BV"}), "0.00");
}

TEST_F(demo_ils_test, blocks_and_enables_patrons) {
  EXPECT_EQ(ask("01N" + d + "AODEMO|ALleft behind|AA21000001|AC|").fixed.substr(0, 4), "YYYY");
  EXPECT_EQ(checkout("21000001", "31000001").fixed[0], '0');
  EXPECT_EQ(ask("25" + d + "AODEMO|AA21000001|").fixed.substr(0, 4), "    ");
  EXPECT_EQ(checkout("21000001", "31000001").fixed[0], '1');
}

TEST_F(demo_ils_test, keeps_item_properties) {
  EXPECT_EQ(ask("19" + d + "AODEMO|AB31000001|CHtorn|").fixed[0], '1');
  EXPECT_EQ(ask("17" + d + "AODEMO|AB31000001|").value(field_id{"CH"}), "torn");
}

TEST(money, reads_and_writes_cents) {
  EXPECT_EQ(to_money(1250), "12.50");
  EXPECT_EQ(to_money(-5), "-0.05");
  EXPECT_EQ(parse_money("12.5"), 1250);
  EXPECT_EQ(parse_money("12"), 1200);
  EXPECT_EQ(parse_money("0,07"), 7);
  for (const char* text : {"", ".", "1.234", "x", "-1", "1."})
    EXPECT_FALSE(parse_money(text)) << text;
}

} // namespace
} // namespace tandem::sip2

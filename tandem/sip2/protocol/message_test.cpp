// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/message.hpp>

#include <gtest/gtest.h>

#include <sstream>

namespace tandem::sip2 {
namespace {

TEST(message_table, widths_are_those_of_the_standard) {
  // Code and fixed fields together.
  const std::pair<const char*, std::size_t> widths[] = {
      {"98", 36}, {"99", 10}, {"64", 61}, {"24", 37}, {"26", 37}, {"12", 24}, {"30", 24},
      {"10", 24}, {"11", 40}, {"29", 40}, {"09", 39}, {"63", 33}, {"23", 23}, {"37", 27},
      {"18", 26}, {"66", 29}, {"16", 22}, {"15", 21}, {"01", 21}, {"36", 21}, {"38", 21},
      {"20", 21}, {"17", 20}, {"19", 20}, {"25", 20}, {"35", 20}, {"65", 20}, {"93", 4},
      {"94", 3},  {"96", 2},  {"97", 2},
  };
  for (const auto& [name, width] : widths) {
    const auto* row = find_message(message_code::of(name));
    ASSERT_NE(row, nullptr) << name;
    EXPECT_EQ(row->fixed_width() + 2, width) << name;
    EXPECT_EQ(message{row->code}.fixed.size() + 2, width) << name;
  }
  EXPECT_EQ(std::size(widths), all_messages().size() - 2); // XS and XT have no wire form
}

TEST(message_table, every_request_names_its_answer) {
  std::size_t requests = 0;
  for (const auto& row : all_messages()) {
    if (row.way != direction::to_acs || row.code == code::request_acs_resend) continue;
    ++requests;
    const auto* answer = find_message(row.answer);
    ASSERT_NE(answer, nullptr) << row.name;
    EXPECT_EQ(answer->way, direction::to_sc) << row.name;
    EXPECT_LT(row.supported, 16) << row.name;
  }
  EXPECT_EQ(requests, 15U);
}

TEST(message_table, names_only_known_fields) {
  for (const auto& row : all_messages())
    for (const auto list : {row.required, row.optional}) {
      std::istringstream ids{std::string{list}};
      for (std::string id; ids >> id;)
        EXPECT_NE(find_field(field_id::of(id)), nullptr) << row.name << ' ' << id;
    }
}

TEST(message_table, unknown_codes_have_no_row) {
  for (const char* text : {"00", "77", "95", "XX", "  ", "9A", "/0", ":0"})
    EXPECT_EQ(find_message(message_code::of(text)), nullptr) << text;
  EXPECT_EQ(find_message(code::end_session)->name, "End Session");
  EXPECT_EQ(find_message(code::end_session_done)->name, "End Session Response");
}

TEST(field_table, finds_standard_fields_and_extensions) {
  EXPECT_EQ(find_field(field_id{"AA"})->name, "patron identifier");
  EXPECT_EQ(find_field(field_id{"XI"})->name, "patron internal id");
  EXPECT_EQ(find_field(field_id{"ZZ"}), nullptr);
  for (const char* id : {"AI", "AK", "AR", "AW", "AX", "BA", "BB", "BC", "BJ", "CE"})
    EXPECT_EQ(find_field(field_id::of(id)), nullptr) << id;
}

TEST(field_table, passwords_are_secret_and_only_they) {
  std::string secrets;
  for (const auto& row : all_fields())
    if (row.who == privacy::secret) secrets += row.id.text();
  EXPECT_EQ(secrets, "ACADCO");
}

TEST(message, fixed_fields_are_padded_and_cut_to_their_width) {
  const message m{code::sc_status, {"0", "80", "2.00xyz"}};
  EXPECT_EQ(m.fixed, "080 2.00");
  EXPECT_EQ(m.fixed_at(1), "80 ");
  EXPECT_EQ(m.fixed_named("protocol version"), "2.00");
  EXPECT_EQ(m.fixed_named("no such field"), "");
}

TEST(message, missing_fixed_values_get_their_blank) {
  EXPECT_EQ(message{code::login}.fixed, "00");
  EXPECT_EQ(message(code::checkout_response, {"1"}).fixed, "1NNN" + std::string(18, ' '));
}

TEST(message, set_fixed_changes_one_field) {
  message m{code::login_response};
  EXPECT_TRUE(m.set_fixed("ok", "1"));
  EXPECT_EQ(m.fixed, "1");
  EXPECT_FALSE(m.set_fixed("language", "001"));
  m.fixed.clear();
  EXPECT_EQ(m.fixed_named("ok"), "");
}

TEST(message, fields_keep_order_and_repeats) {
  message m{code::patron_information_response};
  m.add(field_id{"AS"}, "one").add(field_id{"ZZ"}, "vendor").add(field_id{"AS"}, "two");
  EXPECT_EQ(m.value(field_id{"AS"}), "one");
  EXPECT_EQ(m.values(field_id{"AS"}), (std::vector<std::string_view>{"one", "two"}));
  m.set(field_id{"ZZ"}, "changed");
  EXPECT_EQ(m.fields[1].value, "changed");
  EXPECT_EQ(m.remove(field_id{"AS"}), 2U);
  EXPECT_FALSE(m.has(field_id{"AS"}));
  m.add_if(field_id{"AF"}, "");
  EXPECT_FALSE(m.has(field_id{"AF"}));
}

} // namespace
} // namespace tandem::sip2

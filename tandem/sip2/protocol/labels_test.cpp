// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/labels.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

TEST(labels, every_code_of_the_enumerations_has_its_words) {
  const struct {
    fixed_kind kind;
    std::string_view value, label;
  } rows[] = {
      {fixed_kind::circulation, "01", "other"},
      {fixed_kind::circulation, "03", "available"},
      {fixed_kind::circulation, "05", "charged, not to be recalled until the recall date"},
      {fixed_kind::circulation, "13", "missing"},
      {fixed_kind::circulation, "00", ""},
      {fixed_kind::circulation, "14", ""},
      {fixed_kind::security, "00", "other"},
      {fixed_kind::security, "03", "Whisper Tape"},
      {fixed_kind::fee_type, "01", "other"},
      {fixed_kind::fee_type, "09", "hold fee"},
      {fixed_kind::payment_type, "00", "cash"},
      {fixed_kind::payment_type, "02", "credit card"},
      {fixed_kind::payment_type, "03", ""},
      {fixed_kind::payment_type, "05", "check"},
      {fixed_kind::language, "000", "unknown"},
      {fixed_kind::language, "001", "English"},
      {fixed_kind::language, "012", "Norwegian"},
      {fixed_kind::language, "021", "North American Spanish"},
      {fixed_kind::language, "027", "Taiwanese"},
      {fixed_kind::language, "028", ""},
      {fixed_kind::hold_mode, "+", "add"},
      {fixed_kind::hold_mode, "-", "delete"},
      {fixed_kind::hold_mode, "*", "change"},
      {fixed_kind::algorithm, "0", "not encrypted"},
      {fixed_kind::sc_status_code, "1", "out of paper"},
      {fixed_kind::count, "    ", "unknown"},
      {fixed_kind::count, "0001", ""},
      {fixed_kind::limit, "999", "unknown"},
      {fixed_kind::number, "999", ""},
      {fixed_kind::flag, "1", "yes"},
      {fixed_kind::yes_no_unknown, "U", "unknown"},
      {fixed_kind::yes_no, "Y", ""},
      {fixed_kind::date, "20261120    153457", ""},
  };
  for (const auto& row : rows) EXPECT_EQ(label_of(row.kind, row.value), row.label) << row.value;
}

TEST(labels, positions_that_are_yes_are_named) {
  EXPECT_EQ(label_of(fixed_kind::patron_status, "Y             "), "charge privileges denied");
  EXPECT_EQ(label_of(fixed_kind::patron_status, "    Y     Y  Y"),
            "card reported lost, excessive outstanding fines, too many items billed");
  EXPECT_EQ(label_of(fixed_kind::patron_status, "              "), "");
  EXPECT_EQ(label_of(fixed_kind::summary, "     Y    "), "unavailable holds");
  EXPECT_EQ(label_of(fixed_kind::summary, "      Y   "), "fees in detail");
  EXPECT_EQ(label_of(field_id{"BX"}, "YNNNNNNNNNNNNNNY"), "patron status, renew all");
}

TEST(labels, fields_with_ids_have_theirs) {
  EXPECT_EQ(label_of(field_id{"CK"}, "001"), "book");
  EXPECT_EQ(label_of(field_id{"CK"}, "010"), "book with audio tape");
  EXPECT_EQ(label_of(field_id{"BT"}, "04"), "overdue");
  EXPECT_EQ(label_of(field_id{"BY"}, "4"), "any copy at one branch");
  EXPECT_EQ(label_of(field_id{"CV"}, "00"), "unknown");
  EXPECT_EQ(label_of(field_id{"CV"}, "04"), "transfer");
  EXPECT_EQ(label_of(field_id{"CV"}, "99"), "other");
  EXPECT_EQ(label_of(field_id{"AJ"}, "001"), "");
}

} // namespace
} // namespace tandem::sip2

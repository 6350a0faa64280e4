// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

message read(std::string_view line, const wire_format& format = {}, parse_notes* notes = nullptr) {
  const auto e = open_line(line, format);
  EXPECT_TRUE(e) << line;
  return read_message(*e, format, notes);
}

constexpr std::string_view requests[] = {
    "01N20240101    120000AOinst|ALlost card|AApatron|ACtp|",
    "09N20240101    12000020240101    115900APdesk|AOinst|AB3000|ACtp|CHprop|BIN|",
    "11YN20240101    12000020240115    120000AOinst|AApatron|AB3000|ACtp|AD1234|BON|BIN|",
    "15+20240101    120000BW20240401    120000|BSbranch|BY2|AOinst|AApatron|AB3000|AJtitle|",
    "1720240101    120000AOinst|AB3000|ACtp|",
    "1920240101    120000AOinst|AB3000|CHprop|",
    "2300120240101    120000AOinst|AApatron|ACtp|AD1234|",
    "2520240101    120000AOinst|AApatron|ACtp|AD1234|",
    "29NN20240101    12000020240115    120000AOinst|AApatron|AD1234|AB3000|BON|",
    "3520240101    120000AOinst|AApatron|ACtp|AD1234|",
    "3720240101    1200000400USDBV12.50|AOinst|AApatron|CGfee1|BKtx9|",
    "6300120240101    120000Y         AOinst|AApatron|ACtp|AD1234|BP1|BQ5|",
    "6520240101    120000AOinst|AApatron|AD1234|BOY|",
    "9300CNlogin|COpass|CPdesk|",
    "97",
    "9900802.00",
};

TEST(parser, every_request_is_read_and_written_again_to_the_byte) {
  for (const auto line : requests) {
    const auto m = read(line);
    EXPECT_EQ(write_message(m, {}), std::string{line} + '\r');
    ASSERT_NE(m.spec(), nullptr);
    EXPECT_EQ(m.fixed.size(), m.spec()->fixed_width()) << line;
  }
}

TEST(parser, every_truncation_of_every_request_yields_a_message_of_full_width) {
  for (const auto line : requests)
    for (std::size_t n = 0; n <= line.size(); ++n) {
      const auto e = open_line(line.substr(0, n), {});
      if (n < 2) {
        EXPECT_FALSE(e);
        continue;
      }
      ASSERT_TRUE(e);
      const auto m = read_message(*e, {});
      EXPECT_EQ(m.fixed.size(), m.spec()->fixed_width()) << line.substr(0, n);
    }
}

TEST(parser, fields_in_any_order_repeats_and_unknown_ids_are_kept) {
  const auto m = read("1720240101    120000ZQvendor|AB1|AOx|ZQagain|AB2|");
  const std::vector<field> expected{{field_id{"ZQ"}, "vendor"},
                                    {field_id{"AB"}, "1"},
                                    {field_id{"AO"}, "x"},
                                    {field_id{"ZQ"}, "again"},
                                    {field_id{"AB"}, "2"}};
  EXPECT_EQ(m.fields, expected);
}

TEST(parser, empty_parts_are_skipped_and_empty_values_kept) {
  const auto m = read("1720240101    120000AOx||AB1|AC||");
  ASSERT_EQ(m.fields.size(), 3U);
  EXPECT_EQ(m.value(field_id{"AB"}), "1");
  EXPECT_TRUE(m.has(field_id{"AC"}));
  EXPECT_EQ(read("9300|CNuser|COpass").value(field_id{"CO"}), "pass");
}

TEST(parser, a_last_field_without_delimiter_counts_and_keeps_its_punctuation) {
  EXPECT_EQ(read("9300CNu|COs3cret!").value(field_id{"CO"}), "s3cret!");
  EXPECT_EQ(read("9300CNu|COpin\u00e9 ").value(field_id{"CO"}), "pin\u00e9 ");
}

TEST(parser, blanks_of_a_summary_stay) {
  EXPECT_EQ(read("6300120240101    120000          AOx|").fixed_named("summary"), "          ");
}

TEST(parser, missing_fixed_fields_are_blank_and_noted) {
  const struct {
    std::string_view line, fixed, ao;
  } rows[] = {
      {"6300120240101    120000AOx|AAp|", "00120240101    120000          ", "x"},
      {"11NN20240101    120000AOx|AAp|", "NN20240101    120000                  ", "x"},
      {"990", "0       ", ""},
      {"990 802.00", "0 802.00", ""},
  };
  for (const auto& row : rows) {
    parse_notes notes;
    const auto m = read(row.line, {}, &notes);
    EXPECT_EQ(m.fixed, row.fixed) << row.line;
    EXPECT_EQ(m.value(field_id{"AO"}), row.ao) << row.line;
    EXPECT_EQ(notes.short_fixed, row.line != "990 802.00") << row.line;
  }
}

TEST(parser, blank_login_algorithms_mean_not_encrypted) {
  EXPECT_EQ(read("93  CNuser|COpass|").fixed, "00");
}

TEST(parser, one_emulators_language_in_a_17_is_skipped_when_told) {
  wire_format format;
  format.has_language_in_17 = true;
  EXPECT_EQ(read("1700120240101    120000AOx|AB1|", format).fixed, "20240101    120000");
  EXPECT_EQ(read("1720240101    120000AOx|AB1|", format).fixed, "20240101    120000");
  EXPECT_EQ(read("1700120240101    120000AOx|AB1|", format).value(field_id{"AB"}), "1");
}

TEST(parser, the_tail_is_no_field) {
  const auto m = read("9300CNsiplogin|COsippassword|AY0AZF390");
  EXPECT_EQ(m.fields.size(), 2U);
  EXPECT_FALSE(m.has(field_id{"AY"}));
  EXPECT_FALSE(open_line("9300CNsiplogin|COsippassword|AY0AZF391", {})->is_intact);
  EXPECT_EQ(open_line("9909992.00AY1AZFC8D", {})->tail->sequence, "1");
  EXPECT_TRUE(open_line("9900AY1AZ0000", {})->tail); // short fixed fields before it
}

TEST(parser, an_unknown_code_opens_without_a_row) {
  const auto e = open_line("77whatever|AY1AZ0000", {});
  ASSERT_TRUE(e);
  EXPECT_EQ(e->spec, nullptr);
  EXPECT_TRUE(e->tail);
  EXPECT_EQ(open_line("XS", {})->spec, nullptr); // not a message of the wire
  EXPECT_FALSE(open_line("9", {}));
}

TEST(parser, charsets_and_delimiters_of_a_terminal) {
  wire_format format;
  format.text = charset::cp850;
  format.delimiter = '^';
  EXPECT_EQ(read("9300CNJos\x82^COa|b^", format).value(field_id{"CN"}), "Jos\u00e9");
  EXPECT_EQ(read("9300CNJos\x82^COa|b^", format).value(field_id{"CO"}), "a|b");
  parse_notes notes;
  EXPECT_EQ(read("9300CNJos\xe9|", {}, &notes).value(field_id{"CN"}), "Jos\u00e9");
  EXPECT_TRUE(notes.not_in_charset);
}

TEST(parser, odd_bytes_in_fixed_fields_do_not_move_what_follows) {
  const auto m = read("1720240101 \xc3\xa9\x01"
                      "120000AOx|");
  EXPECT_EQ(m.fixed, "20240101 ?? 120000");
  EXPECT_EQ(m.value(field_id{"AO"}), "x");
}

TEST(parser, parts_too_short_for_an_id_are_left_out) {
  parse_notes notes;
  const auto m = read("9300CNu|x|COp|\xc3\xa9|", {}, &notes);
  EXPECT_EQ(m.fields.size(), 2U);
  EXPECT_TRUE(notes.stray_part);
}

} // namespace
} // namespace tandem::sip2

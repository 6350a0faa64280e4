// SPDX-License-Identifier: Apache-2.0
#include <tandem/ctl/table.hpp>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace tandem::ctl {
namespace {

namespace json = boost::json;

std::string table(const char* answer, const char* schema = "{}") {
  return to_table(json::parse(answer), json::parse(schema).as_object());
}

TEST(table, values_stand_under_each_other) {
  EXPECT_EQ(table(R"({"name": "tandemd", "version": "1.2", "ready": true, "n": -3, "empty": ""})"),
            "name     tandemd\nversion  1.2\nready    yes\nn        -3\n");
}

TEST(table, a_list_has_a_line_for_each_row_and_the_columns_of_its_declaration) {
  EXPECT_EQ(table(R"({"rows": [{"b": "long one", "a": 1}, {"a": 22, "c_d": "x"}], "count": 2})",
                  R"({"properties": {"rows": {"items": {"properties": {"a": {}, "none": {},
                      "b": {}}}}}})"),
            "A   B         C D\n1   long one\n22            x\ncount  2\n");
  EXPECT_EQ(table(R"({"rows": []})"), "");
}

TEST(table, the_rows_of_an_inner_list_are_lines_with_what_stands_beside_them) {
  EXPECT_EQ(table(R"({"records": [{"aor": "alice", "contacts": [{"contact": "sip:a"},
                      {"contact": "sip:b"}]}, {"aor": "bob", "contacts": []}]})"),
            "AOR    CONTACT\nalice  sip:a\nalice  sip:b\nbob\n");
}

TEST(table, texts_are_lines) {
  EXPECT_EQ(table(R"({"complaints": "one\ntwo\n", "needs_restart": ["port", "fork"]})"),
            "one\ntwo\nport\nfork\n");
}

TEST(table, nothing_that_a_peer_wrote_steers_the_terminal) {
  EXPECT_EQ(table("{\"list\": [{\"\\u001bx\": \"\\u001b]0;t\\u0007\"}]}"), "?X\n?]0;t?\n");
  EXPECT_EQ(table("{\"text\": \"a\\u001b\\nb\\u009b\"}"), "a?\nb??\n");
}

TEST(table, columns_are_as_wide_as_their_characters) {
  EXPECT_EQ(table(R"({"r": [{"a": "Müller", "b": 1}, {"a": "Miller", "b": 2}]})"),
            "A       B\nMüller  1\nMiller  2\n");
}

} // namespace
} // namespace tandem::ctl

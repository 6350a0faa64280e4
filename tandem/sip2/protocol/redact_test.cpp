// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/redact.hpp>

#include <gtest/gtest.h>

namespace tandem::sip2 {
namespace {

message patron_request() {
  message m{code::patron_status, {"001", "20261120    153457"}};
  m.add(field_id{"AO"}, "inst").add(field_id{"AA"}, "card77").add(field_id{"AC"}, "tpw");
  m.add(field_id{"AD"}, "4711").add(field_id{"AE"}, "Ada Lovelace").add(field_id{"CO"}, "");
  return m;
}

TEST(redact, passwords_are_hidden_by_default) {
  EXPECT_EQ(to_log_line(patron_request(), log_privacy::secrets),
            "2300120261120    153457AOinst|AAcard77|AC***|AD***|AEAda Lovelace|CO|");
}

TEST(redact, the_unsafe_level_shows_everything) {
  const auto line = to_log_line(patron_request(), log_privacy::unsafe);
  EXPECT_NE(line.find("AD4711|"), std::string::npos);
}

TEST(redact, patrons_are_marked_the_same_way_each_time_but_not_named) {
  const auto line = to_log_line(patron_request(), log_privacy::patron);
  for (const char* hidden : {"card77", "tpw", "4711", "Ada"})
    EXPECT_EQ(line.find(hidden), std::string::npos) << line;
  EXPECT_NE(line.find("AA#"), std::string::npos);
  EXPECT_EQ(line, to_log_line(patron_request(), log_privacy::patron));
}

} // namespace
} // namespace tandem::sip2

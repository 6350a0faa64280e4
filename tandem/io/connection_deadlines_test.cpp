// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/connection_deadlines.hpp>

#include <gtest/gtest.h>

namespace tandem::io {
namespace {

using stage = connection_deadlines::stage;

constexpr connection_limits limits{
    .open = seconds{2}, .idle = seconds{60}, .output = seconds{10}, .output_bytes = 0};
constexpr instant start{seconds{1000}};

TEST(connection_deadlines, hold_it_to_open_in_time_whatever_comes_meanwhile) {
  connection_deadlines d{limits};
  d.begin(start);
  EXPECT_EQ(d.next(stage::opening), start + seconds{2});
  EXPECT_FALSE(d.overdue(stage::opening, start + seconds{1}));
  EXPECT_EQ(d.overdue(stage::opening, start + seconds{2}), connection_end::open_limit);
}

TEST(connection_deadlines, move_with_every_byte_when_idle_and_with_every_byte_taken_when_blocked) {
  connection_deadlines d{limits};
  d.begin(start);
  EXPECT_EQ(d.next(stage::open), start + seconds{60});
  d.note_input(start + seconds{30});
  EXPECT_EQ(d.next(stage::open), start + seconds{90});
  d.note_blocked(start + seconds{40});
  d.note_blocked(start + seconds{45});
  d.note_input(start + seconds{48}); // what comes in does not help what must go out
  EXPECT_EQ(d.next(stage::open), start + seconds{50});
  EXPECT_EQ(d.overdue(stage::open, start + seconds{50}), connection_end::output_limit);
  d.note_output(start + seconds{49});
  EXPECT_FALSE(d.overdue(stage::open, start + seconds{50}));
  EXPECT_EQ(d.overdue(stage::open, start + seconds{109}), connection_end::idle);
}

TEST(connection_deadlines, hold_it_to_what_is_awaited_in_every_stage) {
  connection_deadlines d{limits};
  d.begin(start);
  d.await_by(start + seconds{1});
  for (const auto at : {stage::opening, stage::open, stage::lingering})
    EXPECT_EQ(d.overdue(at, start + seconds{1}), connection_end::read_limit);
  d.await_by(connection_deadlines::never);
  EXPECT_EQ(d.next(stage::lingering), connection_deadlines::never);
}

TEST(connection_deadlines, are_none_where_there_is_no_limit) {
  connection_deadlines d{{.open = connection_limits::none, .output = connection_limits::none}};
  d.begin(start);
  d.note_blocked(start);
  EXPECT_EQ(d.next(stage::opening), connection_deadlines::never);
  EXPECT_EQ(d.next(stage::open), connection_deadlines::never);
}

} // namespace
} // namespace tandem::io

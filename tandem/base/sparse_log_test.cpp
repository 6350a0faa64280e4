// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/sparse_log.hpp>

#include <algorithm>
#include <gtest/gtest.h>
#include <string>

namespace tandem {
namespace {

TEST(sparse_log, writes_one_line_a_second_and_says_how_many_it_left_out) {
  testing::internal::CaptureStderr();
  sparse_log complaints;
  const instant start{seconds{100}};
  for (int i = 0; i < 50; ++i) complaints.warning(start + milliseconds{10 * i}, "from {}", i);
  complaints.warning(start + seconds{1}, "from {}", "later\nFORGED");
  complaints.warning(start + seconds{2}, "the last");
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3) << out;
  EXPECT_NE(out.find("WARNING from 0\n"), out.npos) << out;
  EXPECT_NE(out.find("later\\x0aFORGED; 49 similar messages suppressed before this\n"), out.npos)
      << out;
  EXPECT_NE(out.find("WARNING the last\n"), out.npos) << out;
}

} // namespace
} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/log.hpp>

#include <algorithm>
#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(log, a_peer_can_not_start_a_line_of_its_own) {
  testing::internal::CaptureStderr();
  log_error("from {}", "mallory\r\n2026-01-01 NOTICE all is well");
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_NE(out.find("ERROR from mallory\\x0d\\x0a2026"), std::string::npos) << out;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1);
}

TEST(log, lines_above_the_level_are_not_written) {
  testing::internal::CaptureStderr();
  set_log_level(log_level::warning);
  log_notice("quiet");
  log_warning("loud");
  set_log_level(log_level::notice);
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.find("quiet"), std::string::npos);
  EXPECT_NE(out.find("WARNING loud"), std::string::npos);
}

} // namespace
} // namespace tandem

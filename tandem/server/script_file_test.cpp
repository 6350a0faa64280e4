// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/privileges.hpp>
#include <tandem/server/script_file.hpp>

#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

namespace tandem::server {
namespace {

using testing::HasSubstr;

struct script_file : testing::Test {
  ~script_file() override { std::remove(path.c_str()); }

  static std::string refusal(const std::string& path) {
    try {
      static_cast<void>(read_script(path));
      return "it was read";
    } catch (const start_error& error) {
      return error.what();
    }
  }

  const std::string path = testing::TempDir() + "/tandem_script_" + std::to_string(::getpid());
};

TEST_F(script_file, is_read_whole) {
  const std::string text(100'000, 'x');
  std::ofstream{path} << text;
  EXPECT_TRUE(read_script(path) == text);
  EXPECT_TRUE(read_settled_script(path) == text);
}

TEST_F(script_file, is_no_directory_is_there_and_has_16_mib_at_most) {
  EXPECT_THAT(refusal(testing::TempDir()), HasSubstr("directory"));
  EXPECT_THAT(refusal(path), HasSubstr("No such file"));
  std::ofstream{path} << 'x';
  ASSERT_EQ(::truncate(path.c_str(), 16U << 20U), 0);
  EXPECT_EQ(refusal(path), "it was read");
  ASSERT_EQ(::truncate(path.c_str(), (16U << 20U) + 1), 0);
  EXPECT_THAT(refusal(path), HasSubstr("longer than 16 MiB"));
}

} // namespace
} // namespace tandem::server

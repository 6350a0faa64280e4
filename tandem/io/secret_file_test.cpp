// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/secret_file.hpp>

#include <tandem/base/folder_for_test.hpp>

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem::io {
namespace {

class secret_file : public ::testing::Test {
 protected:
  std::string write(std::string_view text, mode_t mode) const {
    const std::string path = folder_ / "secret";
    std::ofstream{path, std::ios::binary} << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  [[nodiscard]] std::string at(std::string_view name) const { return folder_ / name; }

 private:
  tandem::for_test::own_folder folder_;
};

TEST_F(secret_file, is_read_whole) {
  const auto got = read_secret_file(write(std::string_view{"a\0b\n", 4}, 0640), 4);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->reveal(), (std::string_view{"a\0b\n", 4}));
}

TEST_F(secret_file, may_be_empty) {
  const auto got = read_secret_file(write("", 0600), 4);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->empty());
}

TEST_F(secret_file, is_refused_when_others_may_read_or_change_it) {
  for (const mode_t mode : {0604U, 0602U, 0601U, 0660U, 0650U}) {
    const auto got = read_secret_file(write("x", mode), 4);
    ASSERT_FALSE(got) << mode;
    EXPECT_EQ(got.error().why,
              "others may read it or change it; chmod 600 it, or 640 for its group");
    EXPECT_FALSE(got.error().is_missing);
  }
}

TEST_F(secret_file, is_refused_beyond_its_bound) {
  const auto got = read_secret_file(write("12345", 0600), 4);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().why, "larger than 4 bytes");
}

TEST_F(secret_file, that_is_not_there_is_told_apart) {
  const auto got = read_secret_file(at("nothing"), 4);
  ASSERT_FALSE(got);
  EXPECT_TRUE(got.error().is_missing);
  EXPECT_EQ(got.error().why, "No such file or directory");
}

TEST_F(secret_file, is_no_folder_and_no_pipe_that_nobody_writes_to) {
  EXPECT_EQ(read_secret_file(at(""), 4).error().why, "not a regular file");
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_secret_file(at("pipe"), 4).error().why, "not a regular file");
}

} // namespace
} // namespace tandem::io

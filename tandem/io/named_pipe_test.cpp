// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/named_pipe.hpp>

#include <tandem/base/folder_for_test.hpp>

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tandem::io {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class named_pipe_test : public testing::Test {
 public:
  tandem::for_test::own_folder own;
  const fs::path& folder = own.path();
  const fs::path file = folder / "fifo";
};

TEST_F(named_pipe_test, is_made_with_its_mode_and_removed_in_the_end) {
  {
    const auto made = open_named_pipe({.path = file.string(), .mode = 0666});
    ASSERT_TRUE(made) << made.error();
    struct stat state {};
    ASSERT_EQ(::lstat(file.c_str(), &state), 0);
    EXPECT_EQ(state.st_mode, S_IFIFO | 0666U);
    std::ofstream{file} << "hello";
    char got[16];
    EXPECT_EQ(::read(made->fd.get(), got, sizeof got), 5);
    EXPECT_EQ(::read(made->fd.get(), got, sizeof got), -1) << "the end of a writer is no end";
  }
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(named_pipe_test, one_that_is_there_is_used_and_stays) {
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  {
    const auto made = open_named_pipe({.path = file.string()});
    ASSERT_TRUE(made) << made.error();
    const auto second = open_named_pipe({.path = file.string()});
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error(), HasSubstr("another program reads it"));
  }
  EXPECT_TRUE(fs::is_fifo(file));
}

TEST_F(named_pipe_test, any_other_file_is_refused_and_stays) {
  std::ofstream{file} << "kept";
  const auto plain = open_named_pipe({.path = file.string()});
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error(), HasSubstr("it is not a pipe"));
  EXPECT_EQ(fs::file_size(file), 4U);
  ASSERT_EQ(::mkfifo((folder / "real").c_str(), 0600), 0);
  fs::create_symlink(folder / "real", folder / "link");
  EXPECT_FALSE(open_named_pipe({.path = (folder / "link").string()}));
  EXPECT_FALSE(open_named_pipe({.path = (folder / "no" / "fifo").string()}));
  fs::permissions(folder, fs::perms::all);
  EXPECT_FALSE(open_named_pipe({.path = (folder / "new").string()}));
  EXPECT_FALSE(fs::exists(folder / "new"));
}

TEST_F(named_pipe_test, one_of_a_stranger_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  ASSERT_EQ(::chown(file.c_str(), 12345, 12345), 0);
  const auto made = open_named_pipe({.path = file.string()});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("belongs to user 12345"));
}

} // namespace
} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/unix_listener.hpp>

#include <tandem/base/folder_for_test.hpp>
#include <tandem/io/unix_address.hpp>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem::io {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A folder of the test's own, with a socket's path in it.
class unix_listener_test : public testing::Test {
 public:
  auto listen(const fs::path& at) {
    return unix_listener::listen(loop, {.path = at.string()},
                                 [this](unique_fd fd, const unix_peer& peer) {
                                   accepted.emplace_back(std::move(fd), peer);
                                 });
  }
  static unique_fd connect(const fs::path& to) {
    const auto at = unix_address::of(to.string());
    if (!at) return {};
    unique_fd made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(made.get(), at->get(), unix_address::size()) != 0) return {};
    return made;
  }

  shard loop;
  tandem::for_test::own_folder own;
  const fs::path& folder = own.path();
  const fs::path file = folder / "control.sock";
  std::vector<std::pair<unique_fd, unix_peer>> accepted;
};

TEST_F(unix_listener_test, tells_who_connected_and_removes_its_file) {
  {
    const auto made = listen(file);
    ASSERT_TRUE(made) << made.error();
    struct stat state {};
    ASSERT_EQ(::lstat(file.c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 07777U, 0660U);
    const auto peer = connect(file);
    ASSERT_TRUE(peer);
    ASSERT_TRUE(loop.run_until([&] { return !accepted.empty(); }));
    EXPECT_EQ(accepted[0].second.uid, ::geteuid());
    EXPECT_EQ(accepted[0].second.pid, ::getpid());
    EXPECT_EQ(accepted[0].second.groups.front(), ::getegid());
  }
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(unix_listener_test, a_path_too_long_for_an_address_does_too) {
  fs::path deep = folder;
  for (int i = 0; i < 10; ++i) deep /= std::string(20, 'd');
  fs::create_directories(deep);
  const auto made = listen(deep / "control.sock");
  ASSERT_TRUE(made) << made.error();
  EXPECT_TRUE(connect(deep / "control.sock"));
  EXPECT_FALSE(listen(deep / std::string(120, 'n')));
}

TEST_F(unix_listener_test, replaces_what_an_ended_program_left_and_nothing_else) {
  {
    const unique_fd ended{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto at = unix_address::of(file.string());
    ASSERT_TRUE(at);
    ASSERT_EQ(::bind(ended.get(), at->get(), unix_address::size()), 0);
  }
  ASSERT_TRUE(fs::exists(file));
  const auto made = listen(file);
  ASSERT_TRUE(made) << made.error();
  const auto second = listen(file);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("another program listens there"));
  EXPECT_TRUE(connect(file)) << "the first one still listens";

  std::ofstream{folder / "plain"} << "kept";
  const auto plain = listen(folder / "plain");
  ASSERT_FALSE(plain);
  EXPECT_THAT(plain.error(), HasSubstr("not a socket"));
  EXPECT_EQ(fs::file_size(folder / "plain"), 4U);

  fs::create_symlink(folder / "elsewhere", folder / "link");
  const auto link = listen(folder / "link");
  ASSERT_FALSE(link);
  EXPECT_THAT(link.error(), HasSubstr("symbolic link"));
  EXPECT_FALSE(fs::exists(folder / "elsewhere"));
}

TEST_F(unix_listener_test, refuses_a_folder_in_which_others_replace_files) {
  fs::permissions(folder, fs::perms::all);
  const auto made = listen(file);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("chmod o-w"));
  ASSERT_EQ(::chmod(folder.c_str(), 01777), 0); // as /tmp is
  EXPECT_TRUE(listen(file));
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chmod(folder.c_str(), 0770), 0);
  EXPECT_TRUE(listen(file)) << "the group is that of this process";
  ASSERT_EQ(::chown(folder.c_str(), 0, 12345), 0);
  const auto of_group = listen(file);
  ASSERT_FALSE(of_group);
  EXPECT_THAT(of_group.error(), HasSubstr("group 12345 may write to its folder"));
  ASSERT_EQ(::chown(folder.c_str(), 12345, 12345), 0);
  const auto strange = listen(file);
  ASSERT_FALSE(strange);
  EXPECT_THAT(strange.error(), HasSubstr("belongs to user 12345"));
}

TEST_F(unix_listener_test, gives_the_file_to_whom_it_shall_belong) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  const auto made =
      unix_listener::listen(loop, {.path = file.string(), .owner = 12345, .group = 23456},
                            [](unique_fd, const unix_peer&) {});
  ASSERT_TRUE(made) << made.error();
  struct stat state {};
  ASSERT_EQ(::lstat(file.c_str(), &state), 0);
  EXPECT_EQ(state.st_uid, 12345U);
  EXPECT_EQ(state.st_gid, 23456U);
  EXPECT_EQ(state.st_mode & 07777U, 0660U);
}

TEST_F(unix_listener_test, who_holds_the_lock_of_its_folder_holds_it_up_for_a_moment_only) {
  const unique_fd other{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  EXPECT_TRUE(listen(file));
}

TEST_F(unix_listener_test, leaves_a_file_that_is_no_longer_its_own) {
  {
    const auto made = listen(file);
    ASSERT_TRUE(made) << made.error();
    fs::remove(file);
    std::ofstream{file} << "of somebody else";
  }
  EXPECT_TRUE(fs::exists(file));
}

} // namespace
} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// What becomes of the process is tried in children, since there is no way back.
#include <tandem/server/privileges.hpp>

#include <tandem/base/folder_for_test.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::server {
namespace {

namespace fs = std::filesystem;

class privileges : public ::testing::Test {
 protected:
  static std::string complaint(const std::function<void()>& of) {
    try {
      of();
      return "none";
    } catch (const start_error& error) {
      return error.what();
    }
  }
  /// The exit status of a child that runs it; 99 when it threw.
  static int in_child(const std::function<int()>& what) {
    const pid_t child = ::fork();
    if (child == 0) {
      int status = 99;
      try {
        status = what();
      } catch (const start_error&) {
      }
      std::_Exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static std::string text_of(const fs::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  tandem::for_test::own_folder own;
  const fs::path& folder = own.path();
};

TEST_F(privileges, users_and_groups_are_found_by_name_and_by_number) {
  const account root = find_account({.user = "root", .group = {}, .root = {}, .work_folder = {}});
  EXPECT_EQ(root.uid, 0U);
  EXPECT_EQ(root.gid, 0U) << "without a group, that of the user";
  const account numbers =
      find_account({.user = "4711", .group = "4712", .root = {}, .work_folder = {}});
  EXPECT_EQ(numbers.uid, 4711U);
  EXPECT_EQ(numbers.gid, 4712U);
  const account nobody = find_account({});
  EXPECT_FALSE(nobody.uid || nobody.gid);
  // It would keep the group of root.
  EXPECT_TRUE(complaint([] {
                (void)find_account({.user = "4711", .group = {}, .root = {}, .work_folder = {}});
              }).starts_with("the system does not know user 4711, nor its group"));
  EXPECT_EQ(complaint([] {
              (void)find_account({.user = "no such", .group = {}, .root = {}, .work_folder = {}});
            }),
            "there is no user 'no such'");
  EXPECT_EQ(complaint([] {
              (void)find_account({.user = {}, .group = "no such", .root = {}, .work_folder = {}});
            }),
            "there is no group 'no such'");
}

TEST_F(privileges, a_folder_that_is_not_there_stops_the_start) {
  const std::string missing = (folder / "missing").string();
  EXPECT_EQ(in_child([&] {
              assume({.user = {}, .group = {}, .root = {}, .work_folder = missing});
              return 0;
            }),
            99);
  const std::string there = folder.string();
  EXPECT_EQ(in_child([&] {
              assume({.user = {}, .group = {}, .root = {}, .work_folder = there});
              return fs::current_path() == fs::canonical(there) ? 0 : 1;
            }),
            0);
}

TEST_F(privileges, a_user_once_assumed_is_assumed_for_good) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  EXPECT_EQ(in_child([&] {
              assume({.user = "65534", .group = "65533", .root = {}, .work_folder = {}});
              if (::getuid() != 65534 || ::geteuid() != 65534) return 1;
              if (::getgid() != 65533 || ::getegid() != 65533) return 2;
              if (::getgroups(0, nullptr) != 0) return 3;
              if (::setuid(0) == 0 || ::seteuid(0) == 0) return 4;
              return 0;
            }),
            0);
}

TEST_F(privileges, who_is_not_root_cannot_become_somebody_else) {
  EXPECT_EQ(in_child([] {
              if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 1;
              assume({.user = "0", .group = {}, .root = {}, .work_folder = {}});
              return 2;
            }),
            99);
}

TEST_F(privileges, another_root_hides_the_rest_and_names_are_looked_up_before) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can change the root";
  const std::string root = folder.string();
  EXPECT_EQ(in_child([&] {
              assume({.user = "nobody", .group = {}, .root = root, .work_folder = {}});
              if (::access("/etc/passwd", F_OK) == 0) return 1;
              return ::getuid() == 0 ? 2 : 0;
            }),
            0);
}

} // namespace
} // namespace tandem::server

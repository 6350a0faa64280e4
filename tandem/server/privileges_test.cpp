// SPDX-License-Identifier: Apache-2.0
// What becomes of the process is tried in children, since there is no way back.
#include <tandem/server/privileges.hpp>

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
  privileges() {
    std::string pattern = (fs::temp_directory_path() / "tandem-privileges-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  ~privileges() override { fs::remove_all(folder); }

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

  fs::path folder;
};

TEST_F(privileges, a_pid_file_holds_the_process_until_it_ends) {
  const fs::path file = folder / "a.pid";
  {
    const pid_file mine{file.string()};
    EXPECT_EQ(text_of(file), std::to_string(::getpid()) + "\n");
  }
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(privileges, a_pid_file_of_a_living_process_is_respected) {
  const fs::path file = folder / "a.pid";
  std::ofstream{file} << ::getpid() << '\n';
  const std::string said = complaint([&] { const pid_file mine{file.string()}; });
  EXPECT_NE(said.find("is running"), std::string::npos) << said;
  EXPECT_NE(said.find(std::to_string(::getpid())), std::string::npos) << said;
  EXPECT_TRUE(fs::exists(file)) << "it is not ours to remove";
}

TEST_F(privileges, a_pid_file_of_a_dead_process_or_with_nonsense_is_overwritten) {
  const fs::path file = folder / "a.pid";
  const pid_t child = ::fork();
  if (child == 0) std::_Exit(0);
  ::waitpid(child, nullptr, 0);
  for (const std::string& old : {std::to_string(child), std::string{"nonsense"}, std::string{}}) {
    std::ofstream{file} << old << '\n';
    const pid_file mine{file.string()};
    EXPECT_EQ(text_of(file), std::to_string(::getpid()) + "\n") << old;
  }
}

TEST_F(privileges, a_pid_file_that_cannot_be_written_says_why) {
  const std::string said =
      complaint([&] { const pid_file mine{(folder / "no/such/a.pid").string()}; });
  EXPECT_NE(said.find("No such file"), std::string::npos) << said;
}

TEST_F(privileges, a_child_that_goes_on_does_not_remove_the_file_of_its_parent) {
  const fs::path file = folder / "a.pid";
  const pid_file mine{file.string()};
  EXPECT_EQ(in_child([&] {
              const_cast<pid_file&>(mine).~pid_file();
              return 0;
            }),
            0);
  EXPECT_TRUE(fs::exists(file));
}

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

TEST_F(privileges, the_parent_of_a_background_process_waits_until_it_is_ready) {
  const fs::path file = folder / "ready";
  // In the child: becomes the waiting parent, and its own child writes the file before ready().
  EXPECT_EQ(in_child([&] {
              background behind;
              std::ofstream{file} << ::getsid(0) << ' ' << ::getpid() << '\n' << std::flush;
              behind.ready();
              std::_Exit(7); // nobody looks at it any more
              return 1;
            }),
            0);
  std::istringstream ids{text_of(file)};
  long session = 0;
  long process = 1;
  ids >> session >> process;
  EXPECT_EQ(session, process) << "a session of its own";
}

TEST_F(privileges, a_background_process_that_dies_before_it_is_ready_hands_its_status_on) {
  EXPECT_EQ(in_child([] {
              const background behind;
              std::_Exit(3);
              return 0;
            }),
            3);
  EXPECT_EQ(in_child([] {
              const background behind;
              std::_Exit(0);
              return 0;
            }),
            1)
      << "ending well without ever being ready is no start";
}

} // namespace
} // namespace tandem::server

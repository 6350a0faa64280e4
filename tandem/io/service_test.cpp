// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/service.hpp>

#include <tandem/base/folder_for_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::io {
namespace {

namespace fs = std::filesystem;

class services : public ::testing::Test {
 protected:
  /// What making one says; it is gone again afterwards.
  static std::string complaint(const fs::path& of) {
    try {
      const pid_file made{of.string()};
      return "none";
    } catch (const service_error& error) {
      return error.what();
    }
  }
  static int in_child(const std::function<int()>& what) {
    const pid_t child = ::fork();
    if (child == 0) std::_Exit(what());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static std::string text_of(const fs::path& of) {
    std::ifstream in{of};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  tandem::for_test::own_folder own;
  const fs::path& folder = own.path();
  const fs::path file = folder / "a.pid";
  const std::string mine = std::to_string(::getpid()) + "\n";
};

using pid_files = services;

TEST_F(pid_files, hold_the_process_id_until_the_process_ends) {
  {
    const pid_file held{file.string()};
    EXPECT_EQ(text_of(file), mine);
  }
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(pid_files, that_another_process_holds_are_respected) {
  const pid_file held{file.string()};
  const std::string said = complaint(file);
  EXPECT_NE(said.find("process " + std::to_string(::getpid()) + " holds it"), said.npos) << said;
  EXPECT_EQ(text_of(file), mine) << "it is not ours to change";
}

TEST_F(pid_files, of_a_process_that_has_ended_refuse_no_start_whoever_has_its_number_now) {
  for (const std::string& old :
       {std::string{"1"}, std::to_string(::getppid()),
        std::string{"nonsense that is longer than a number"}, std::string{}}) {
    std::ofstream{file} << old << '\n';
    const pid_file held{file.string()};
    EXPECT_EQ(text_of(file), mine) << old;
  }
}

TEST_F(pid_files, are_never_written_through_a_link_or_to_anything_but_a_file) {
  const fs::path other = folder / "precious";
  std::ofstream{other} << "keep";
  fs::create_symlink(other, file);
  EXPECT_NE(complaint(file).find("symbolic link"), std::string::npos);
  fs::remove(file);
  fs::create_hard_link(other, file);
  EXPECT_NE(complaint(file).find("another name"), std::string::npos);
  EXPECT_EQ(text_of(other), "keep");
  fs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_NE(complaint(file).find("not a regular file"), std::string::npos);
  EXPECT_NE(complaint("/dev/full").find("not a regular file"), std::string::npos);
  EXPECT_NE(complaint(folder).find("Is a directory"), std::string::npos);
  EXPECT_NE(complaint(folder / "no/such/a.pid").find("No such file"), std::string::npos);
}

TEST_F(pid_files, are_emptied_by_a_process_that_may_not_remove_them_any_more) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  EXPECT_EQ(in_child([&] {
              const pid_file held{file.string()};
              return ::setresuid(65534, 65534, 65534);
            }),
            0);
  EXPECT_EQ(text_of(file), "");
  EXPECT_EQ(complaint(file), "none") << "and the next start takes it";
}

TEST_F(pid_files, that_another_file_has_replaced_are_left_alone) {
  {
    const pid_file held{file.string()};
    fs::remove(file);
    std::ofstream{file} << "of another";
  }
  EXPECT_EQ(text_of(file), "of another");
}

TEST_F(pid_files, outlive_a_child_of_the_process) {
  const pid_file held{file.string()};
  EXPECT_EQ(in_child([&] {
              const_cast<pid_file&>(held).~pid_file();
              return 0;
            }),
            0);
  EXPECT_EQ(text_of(file), mine);
}

TEST_F(services, the_parent_of_a_background_process_waits_until_it_is_ready) {
  const fs::path ready = folder / "ready";
  // In the child: becomes the waiting parent, and its own child writes the file before ready().
  EXPECT_EQ(in_child([&] {
              background behind;
              std::ofstream{ready} << ::getsid(0) << ' ' << ::getpid() << '\n' << std::flush;
              behind.ready();
              std::_Exit(7); // nobody looks at it any more
              return 1;
            }),
            0);
  std::istringstream ids{text_of(ready)};
  long session = 0;
  long process = 1;
  ids >> session >> process;
  EXPECT_EQ(session, process) << "a session of its own";
}

TEST_F(services, a_background_process_that_dies_before_it_is_ready_hands_its_status_on) {
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
} // namespace tandem::io

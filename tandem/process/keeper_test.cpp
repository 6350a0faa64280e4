// SPDX-License-Identifier: Apache-2.0
// Spawners that are stopped, killed or of another user than the programs that they start.
#include <tandem/process/keeper.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/process/runner.hpp>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <grp.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::process {
namespace {

TEST(spawner_end, a_stopped_spawner_does_not_hold_up_the_end) {
  pid_t stopped = -1;
  {
    spawner starter;
    stopped = starter.pid();
    ::kill(stopped, SIGSTOP);
    int status = 0;
    ASSERT_EQ(::waitpid(stopped, &status, WUNTRACED), stopped);
    ASSERT_TRUE(WIFSTOPPED(status));
  }
  EXPECT_EQ(::kill(stopped, 0), -1); // ended, and taken
}

/// A server that has started as root, serves as one user and has its programs run as another one:
/// it may neither signal a spawner nor make one. Ends the process: 0 when all went well.
void serve_as_another_user_than_its_programs() {
  int step = 0;
  const auto must = [&](bool is_true) {
    ++step;
    if (!is_true) ::_exit(step);
  };
  const child_user self = find_user("daemon").value();
  auto starter =
      std::make_optional<spawner>(spawner_options{.user = find_user("nobody"), .server = self});
  must(::setgroups(0, nullptr) == 0 && ::setresgid(self.gid, self.gid, self.gid) == 0 &&
       ::setresuid(self.uid, self.uid, self.uid) == 0);
  io::shard loop;
  auto children = std::make_optional<runner>(loop, *starter);
  const auto run = [&](std::string_view text) {
    std::optional<run_result> result;
    children->run(child_command::shell(text), {},
                  {.deadline = seconds{30}, .output = run_output::capture},
                  [&](run_result&& r) { result = std::move(r); });
    must(loop.run_until([&] { return result.has_value(); }, seconds{60}));
    return *result;
  };
  const auto first = run("id -un; echo $PPID").output;
  must(first.starts_with("nobody\n"));
  must(run("kill -KILL $PPID; sleep 60").outcome == run_outcome::lost);
  const auto second = run("id -un; echo $PPID").output;
  must(second.starts_with("nobody\n") && second != first);
  must(run("kill -STOP $PPID; exit 0").succeeded()); // continued
  must(run("id -un; echo $PPID").output == second);
  run_outcome outcome = run_outcome::timed_out;
  while (outcome == run_outcome::timed_out) // now and then it answers between two signals
    outcome = run("while :; do kill -STOP $PPID; done").outcome;
  must(outcome == run_outcome::lost); // replaced
  const auto third = run("id -un; echo $PPID").output;
  must(third.starts_with("nobody\n") && third != second);
  must(run("kill -KILL $(cut -d' ' -f4 /proc/$PPID/stat); exit 0").succeeded());
  must(run("echo $PPID").output == third.substr(7)); // nobody may touch the keeper
  run("kill -STOP $PPID; exit 0");
  children->run(child_command::shell("kill -STOP $PPID; sleep 60"), {}, {}, [](run_result&&) {});
  children.reset();
  starter.reset();
  must(::waitpid(-1, nullptr, 0) == -1 && errno == ECHILD);
  must(::kill(std::stoi(third.substr(7)), 0) != 0 && errno == ESRCH);
  ::_exit(0);
}

TEST(spawner_keeper, children_of_another_user_hold_up_nobody_for_long_whatever_they_do_to_it) {
  if (::getuid() != 0) GTEST_SKIP() << "only root may become another user";
  const pid_t server = ::fork();
  if (server == 0) serve_as_another_user_than_its_programs();
  int status = -1;
  ASSERT_EQ(::waitpid(server, &status, 0), server);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the step that failed";
}

TEST(spawner_keeper, keeps_no_more_of_roots_powers_than_to_change_its_user_and_to_signal) {
  if (::getuid() != 0) GTEST_SKIP() << "only root may become another user";
  const spawner starter{{.user = find_user("nobody"), .server = find_user("daemon")}};
  io::shard loop;
  std::ifstream status;
  std::string line;
  bool has_dropped = false;
  for (int i = 0; i < 2000 && !has_dropped; ++i) { // it drops them while this goes on
    loop.run_until([] { return false; }, milliseconds{5});
    status = std::ifstream{"/proc/" + std::to_string(starter.pid()) + "/status"};
    while (std::getline(status, line))
      has_dropped = has_dropped || line == "CapPrm:\t00000000000000e0"; // KILL, SETGID, SETUID
  }
  EXPECT_TRUE(has_dropped);
}

} // namespace
} // namespace tandem::process

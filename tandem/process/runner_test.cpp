// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/runner.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/process/spawn_wire.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

using namespace tandem;
using namespace tandem::process;
using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;

namespace {

class processes : public testing::Test {
 protected:
  /// Runs one command to its end.
  run_result run(const child_command& command, std::string_view input = {},
                 run_options options = {.output = run_output::capture}) {
    std::optional<run_result> result;
    runner.run(command, input, std::move(options), [&](run_result&& r) { result = std::move(r); });
    EXPECT_FALSE(result) << "the handler ran inside run()";
    EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }, seconds{20}));
    return result.value_or(run_result{});
  }
  run_result run_shell(std::string_view text, std::string_view input = {},
                       run_options options = {.output = run_output::capture}) {
    return run(child_command::shell(text), input, std::move(options));
  }
  static child_command program(std::vector<std::string> arguments) {
    child_command command;
    command.arguments = std::move(arguments);
    return command;
  }
  /// Runs one that does not end by itself, with a deadline that lets it say as many lines as are
  /// wanted before: longer and longer ones, since nobody knows how busy the machine is.
  run_result run_to_deadline(std::string_view text, std::ptrdiff_t lines,
                             duration deadline = milliseconds{100}) {
    while (true) {
      auto result = run_shell(
          text, {},
          {.deadline = deadline, .grace = milliseconds{100}, .output = run_output::capture});
      if (std::ranges::count(result.output, '\n') >= lines || deadline > seconds{5}) return result;
      deadline *= 4;
    }
  }
  /// Waits for what no event of the loop tells.
  template <typename Condition>
  bool comes_true(Condition condition) {
    for (int i = 0; i < 2000; ++i)
      if (loop.run_until(condition, milliseconds{5})) return true;
    return false;
  }
  /// Runs still: one that has ended may wait for its new parent to take notice.
  static bool is_alive(pid_t pid) {
    std::ifstream stat{"/proc/" + std::to_string(pid) + "/stat"};
    std::string number;
    std::string name;
    std::string state;
    return static_cast<bool>(stat >> number >> name >> state) && state != "Z" && state != "X";
  }

  /// Any process of the group that is not a zombie.
  static bool has_living_member(pid_t group) {
    return is_there_a_process([&](pid_t, pid_t member_of) { return member_of == group; });
  }
  static bool has_living_child(pid_t of) {
    return is_there_a_process([&](pid_t parent, pid_t) { return parent == of; });
  }
  template <typename Condition>
  static bool is_there_a_process(Condition condition) {
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
      std::ifstream stat{entry.path() / "stat"};
      std::string number;
      std::string name;
      std::string state;
      pid_t parent = 0;
      pid_t member_of = 0;
      if (stat >> number >> name >> state >> parent >> member_of && condition(parent, member_of) &&
          state != "Z" && state != "X")
        return true;
    }
    return false;
  }

  spawner starter;
  io::shard loop;
  tandem::process::runner runner{loop, starter, {.most_running = 8, .most_waiting = 400}};
};

TEST_F(processes, tells_the_exit_status) {
  EXPECT_TRUE(run_shell("exit 0").succeeded());
  const auto seven = run_shell("exit 7");
  EXPECT_EQ(seven.outcome, run_outcome::exited);
  EXPECT_EQ(seven.code, 7);
}

TEST_F(processes, tells_the_signal_that_ended_it) {
  const auto result = run_shell("kill -SEGV $$");
  EXPECT_EQ(result.outcome, run_outcome::signalled);
  EXPECT_EQ(result.code, SIGSEGV);
}

TEST_F(processes, gives_input_and_takes_output) {
  EXPECT_EQ(run_shell("cat; echo end", "one\ntwo\n").output, "one\ntwo\nend\n");
  EXPECT_EQ(run_shell("cat").output, "") << "no input is an empty file";
}

TEST_F(processes, passes_arguments_that_no_shell_reads) {
  EXPECT_EQ(run(program({"printf", "%s|", "a b", "$(id)", "';`id`"})).output, "a b|$(id)|';`id`|");
  EXPECT_EQ(run(child_command::shell("printf '%s|' \"$1\" \"$2\"", {"$(id)", "; id"})).output,
            "$(id)|; id|");
}

TEST_F(processes, a_shell_is_left_out_where_it_has_nothing_to_do) {
  auto command = child_command::shell("/usr/bin/env");
  command.inherits_environment = false;
  command.environment = "ONLY=this\0"s;
  EXPECT_EQ(run(command).output, "ONLY=this\n") << "a shell would add PWD";
  EXPECT_EQ(run(child_command::shell("/usr/bin/printf %s \"$1\"", {"$(id); a  b"})).output,
            "$(id); a  b");
  EXPECT_EQ(run_shell("/bin/true").code, 0);
  EXPECT_EQ(run_shell("/bin/false").code, 1);
}

TEST_F(processes, what_cannot_be_run_without_a_shell_is_run_by_it) {
  EXPECT_EQ(run_shell("/no/such/program x").code, 127);
  EXPECT_EQ(run_shell("/etc").code, 126);
  const std::string script = testing::TempDir() + "tandem-script-" + std::to_string(::getpid());
  std::ofstream{script} << "echo \"$0 $1\"\n"; // without #!
  ::chmod(script.c_str(), S_IRWXU);
  EXPECT_EQ(run_shell(script + " x").output, script + " x\n");
  ::unlink(script.c_str());
}

TEST_F(processes, a_program_that_is_not_there_is_told) {
  const auto result = run(program({"tandem-no-such-program"}));
  EXPECT_EQ(result.outcome, run_outcome::not_started);
  EXPECT_EQ(result.code, ENOENT);
  const auto folder = run(program({"/etc"}));
  EXPECT_EQ(folder.outcome, run_outcome::not_started);
  EXPECT_EQ(folder.code, EACCES);
}

TEST_F(processes, refuses_what_cannot_be_an_argument) {
  EXPECT_EQ(run(program({"echo", std::string("a\0b", 3)})).outcome, run_outcome::not_started);
  EXPECT_EQ(run(program({})).outcome, run_outcome::not_started);
  EXPECT_EQ(run(program({"echo", std::string(200000, 'x')})).code, E2BIG);
  auto command = program({"echo"});
  for (int i = 0; i < 2000; ++i) command.environment += "A=\0"s;
  EXPECT_EQ(run(command).code, E2BIG);
  command.environment = "UNENDED=x";
  EXPECT_EQ(run(command).outcome, run_outcome::not_started);
}

TEST_F(processes, variables_replace_inherited_ones) {
  auto command = child_command::shell("echo \"$SIP_RURI|$HOME|${PATH:+path}\"");
  command.environment = "SIP_RURI=sip:a@b $(id)\0HOME=/nowhere\0"s;
  EXPECT_EQ(run(command).output, "sip:a@b $(id)|/nowhere|path\n");
  command = program({"/usr/bin/env"});
  command.inherits_environment = false;
  command.environment = "ONLY=this\0"s;
  EXPECT_EQ(run(command).output, "ONLY=this\n");
}

TEST_F(processes, holds_descriptors_0_to_2_and_no_others) {
  EXPECT_EQ(run_shell("ls /proc/$$/fd", "input").output, "0\n1\n2\n");
}

TEST_F(processes, leads_a_group_of_its_own_with_default_signals) {
  const auto result = run_shell("ps -o pid=,pgid= -p $$ | awk '{print $1 == $2}';"
                                "exec grep -E 'Sig(Blk|Ign)' /proc/self/status");
  EXPECT_THAT(result.output, AllOf(HasSubstr("1\n"), HasSubstr("SigBlk:\t0000000000000000"),
                                   HasSubstr("SigIgn:\t0000000000000000")));
}

TEST_F(processes, ends_at_its_deadline) {
  const auto result = run_to_deadline("echo begun; sleep 60", 1);
  EXPECT_EQ(result.outcome, run_outcome::timed_out);
  EXPECT_EQ(result.code, SIGTERM);
  EXPECT_EQ(result.output, "begun\n");
  EXPECT_LT(result.run_time, seconds{30});
  EXPECT_GE(runner.statistics().timed_out, 1U);
}

TEST_F(processes, is_killed_when_it_ignores_TERM) {
  const auto result = run_to_deadline("trap '' TERM; echo begun; while :; do sleep 1; done", 1);
  EXPECT_EQ(result.outcome, run_outcome::timed_out);
  EXPECT_EQ(result.code, SIGKILL);
}

TEST_F(processes, takes_its_own_children_with_it) {
  const auto result =
      run_to_deadline("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 300 & echo $!; done; sleep 300", 10);
  EXPECT_EQ(result.outcome, run_outcome::timed_out);
  std::istringstream pids{result.output};
  std::vector<pid_t> children{std::istream_iterator<pid_t>{pids}, {}};
  ASSERT_EQ(children.size(), 10U);
  for (const pid_t child : children)
    EXPECT_TRUE(comes_true([&] { return !is_alive(child); })) << child;
}

TEST_F(processes, what_it_leaves_behind_neither_delays_its_end_nor_stays) {
  const auto result = run_shell("sleep 300 & echo $!; exit 3");
  EXPECT_EQ(result.outcome, run_outcome::exited);
  EXPECT_EQ(result.code, 3);
  EXPECT_LT(result.run_time, seconds{30});
  EXPECT_TRUE(comes_true([&] { return !is_alive(std::stoi(result.output)); }));
}

TEST_F(processes, output_is_capped) {
  const auto result = run_shell("yes 0123456789 | head -c 10000000", {},
                                {.output = run_output::capture, .output_limit = 100000});
  EXPECT_EQ(result.outcome, run_outcome::too_much_output);
  EXPECT_EQ(result.output.size(), 100000U);
}

TEST_F(processes, one_that_writes_without_end_is_ended) {
  const auto output = run_shell("cat /dev/zero");
  EXPECT_EQ(output.outcome, run_outcome::too_much_output);
  const auto nobody_reads = run(program({"cat", "/dev/zero"}), {}, {.deadline = milliseconds{50}});
  EXPECT_EQ(nobody_reads.outcome, run_outcome::timed_out);
  const auto logged = run_shell("exec cat /dev/zero >&2", {}, {.log_limit = 100});
  EXPECT_EQ(logged.outcome, run_outcome::signalled);
  EXPECT_EQ(logged.code, SIGPIPE);
}

TEST_F(processes, a_storm_of_children_ends_with_its_group) {
  const auto result =
      run_to_deadline("echo $$; i=0; while [ $i -lt 1000 ]; do sleep 300 & i=$((i+1)); done; wait",
                      1, milliseconds{500});
  EXPECT_EQ(result.outcome, run_outcome::timed_out);
  const pid_t group = std::stoi(result.output);
  EXPECT_TRUE(comes_true([&] { return ::kill(-group, 0) != 0 || !has_living_member(group); }));
}

TEST_F(processes, output_for_which_there_is_no_descriptor_is_lost_and_said_to_be) {
  runner.connect();
  const int lowest_free = ::dup(STDERR_FILENO);
  ::close(lowest_free);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none_left{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none_left);
  const auto at_its_end = run_shell("echo x");
  const auto while_it_runs = run_shell("cat /dev/zero");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(at_its_end.outcome, run_outcome::lost);
  EXPECT_EQ(while_it_runs.outcome, run_outcome::lost);
  EXPECT_EQ(run_shell("echo x").output, "x\n");
}

TEST_F(processes, more_output_than_a_pipe_holds_arrives_whole) {
  const auto result = run_shell("head -c 3000000 /dev/zero", {},
                                {.output = run_output::capture, .output_limit = 4000000});
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(result.output.size(), 3000000U);
}

TEST_F(processes, errors_go_into_the_log_with_their_tag) {
  testing::internal::CaptureStderr();
  const auto result = run_shell("echo 'bad\tthing' >&2; echo half >&2; printf rest >&2; "
                                "head -c 100000 /dev/zero | tr '\\0' x >&2; true",
                                {}, {.log_limit = 2000, .log_tag = "tid-1"});
  EXPECT_TRUE(result.succeeded() || result.outcome == run_outcome::signalled);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, AllOf(HasSubstr("exec tid-1: bad\\x09thing\n"), HasSubstr("exec tid-1: half\n"),
                         HasSubstr("exec tid-1: restxxx"), HasSubstr("more is not logged")));
  EXPECT_LT(log.size(), 4000U);
}

TEST_F(processes, one_that_never_reads_or_closes_its_input_is_fine) {
  const std::string large(2000000, 'x');
  EXPECT_TRUE(run_shell("true", large).succeeded());
  EXPECT_TRUE(run_shell("exec 0<&-; true", large).succeeded());
  EXPECT_EQ(run_shell("wc -c", large).output, "2000000\n");
}

TEST_F(processes, its_input_is_a_file_however_long) {
  for (const std::size_t size : {std::size_t{1}, longest_input_within, longest_input_within + 1}) {
    const std::string twice = std::to_string(size) + "\n" + std::to_string(size) + "\n";
    EXPECT_EQ(run_shell("wc -c </dev/stdin; wc -c", std::string(size, 'x')).output, twice);
  }
}

TEST_F(processes, many_run_under_the_cap_and_in_order) {
  int ended = 0;
  std::int64_t most = 0;
  std::vector<int> order;
  for (int i = 0; i < 200; ++i)
    runner.run(child_command::shell("exit 0"), {}, {.longest_wait = seconds{60}},
               [&, i](run_result&& r) {
                 EXPECT_TRUE(r.succeeded()) << to_string(r.outcome) << r.code;
                 order.push_back(i);
                 ++ended;
               });
  EXPECT_EQ(runner.statistics().waiting, 192);
  EXPECT_TRUE(loop.run_until(
      [&] {
        most = std::max<std::int64_t>(most, runner.statistics().running);
        return ended == 200;
      },
      seconds{60}));
  EXPECT_EQ(most, 8);
  EXPECT_EQ(runner.statistics().succeeded, 200U);
  EXPECT_EQ(runner.statistics().running, 0);
}

// The socket to a runner holds some 280 reports; the spawner keeps the others until there is room.
TEST_F(processes, that_end_at_once_while_their_runner_is_busy_are_all_told) {
  constexpr std::size_t count = 600;
  tandem::process::runner wide{loop, starter, {.most_running = count, .most_waiting = count}};
  const pid_t parent = std::stoi(run_shell("echo $PPID").output);
  const std::string gate = testing::TempDir() + "tandem-gate-" + std::to_string(::getpid());
  const std::string opened = gate + "-opened";
  ASSERT_EQ(::mkfifo(gate.c_str(), S_IRUSR | S_IWUSR), 0);
  std::ofstream{opened};
  const int open_gate = ::open(gate.c_str(), O_RDWR | O_CLOEXEC);
  std::map<run_outcome, std::size_t> ends;
  std::size_t ended = 0;
  const auto command = child_command::shell(
      "exec 3<\"$1\"; echo x >>\"$2\"; read x <&3; echo done; exit 0", {gate, opened});
  for (std::size_t i = 0; i < count; ++i)
    wide.run(command, {},
             {.deadline = seconds{300},
              .longest_wait = seconds{300},
              .output = run_output::capture,
              .log_limit = 0},
             [&](run_result&& r) {
               ++ends[r.output == "done\n" && r.code == 0 ? r.outcome : run_outcome::lost];
               ++ended;
             });
  ASSERT_TRUE(loop.run_until([&] { return std::filesystem::file_size(opened) == 2 * count; },
                             seconds{240}));
  ::close(open_gate);
  while (has_living_child(parent)) std::this_thread::yield(); // the loop stands still
  EXPECT_TRUE(loop.run_until([&] { return ended == count; }, seconds{20}));
  EXPECT_THAT(ends, testing::ElementsAre(std::pair{run_outcome::exited, count}));
  EXPECT_EQ(wide.statistics().running, 0);
  EXPECT_TRUE(run_shell("exit 0").succeeded()) << "places and channels are there again";
  std::filesystem::remove(gate);
  std::filesystem::remove(opened);
}

TEST_F(processes, beyond_the_queue_it_is_refused) {
  tandem::process::runner small{loop, starter, {.most_running = 1, .most_waiting = 1}};
  std::vector<run_outcome> outcomes;
  const auto note = [&](run_result&& r) { outcomes.push_back(r.outcome); };
  small.run(child_command::shell("sleep 0.3"), {}, {}, note);
  small.run(child_command::shell("true"), {}, {}, note);
  small.run(child_command::shell("true"), {}, {}, note);
  EXPECT_TRUE(loop.run_until([&] { return outcomes.size() == 3; }));
  EXPECT_THAT(outcomes, testing::ElementsAre(run_outcome::overloaded, run_outcome::exited,
                                             run_outcome::exited));
  EXPECT_EQ(small.statistics().overloaded, 1U);
}

TEST_F(processes, nobody_waits_in_the_queue_for_ever) {
  tandem::process::runner small{loop, starter, {.most_running = 1, .most_waiting = 10}};
  std::optional<run_result> waited;
  small.run(child_command::shell("sleep 60"), {}, {}, [](run_result&&) {});
  small.run(child_command::shell("true"), {}, {.longest_wait = milliseconds{50}},
            [&](run_result&& r) { waited = std::move(r); });
  EXPECT_TRUE(loop.run_until([&] { return waited.has_value(); }));
  EXPECT_EQ(waited->outcome, run_outcome::overloaded);
}

TEST_F(processes, cancelled_it_ends_and_tells_nobody) {
  bool told = false;
  const auto tell = [&](run_result&&) { told = true; };
  const auto running = runner.run(child_command::shell("sleep 60"), {}, {}, tell);
  EXPECT_EQ(runner.statistics().running, 1);
  runner.cancel(running);
  EXPECT_TRUE(loop.run_until([&] { return runner.statistics().running == 0; }));
  EXPECT_FALSE(told);
  runner.cancel(running); // gone already

  tandem::process::runner small{loop, starter, {.most_running = 1, .most_waiting = 1}};
  small.run(child_command::shell("sleep 60"), {}, {}, tell);
  const auto waiting = small.run(child_command::shell("true"), {}, {}, tell);
  small.cancel(waiting);
  EXPECT_EQ(small.statistics().waiting, 0);
}

TEST_F(processes, a_handler_may_run_another_or_end_the_runner) {
  auto own = std::make_optional<tandem::process::runner>(loop, starter);
  bool done = false;
  own->run(child_command::shell("true"), {}, {}, [&](run_result&&) {
    own->run(child_command::shell("true"), {}, {}, [&](run_result&&) {
      own.reset();
      done = true;
    });
  });
  EXPECT_TRUE(loop.run_until([&] { return done; }));
}

TEST_F(processes, the_end_of_a_runner_ends_its_children) {
  auto own = std::make_optional<tandem::process::runner>(loop, starter);
  const std::string path = testing::TempDir() + "/tandem-child-" + std::to_string(::getpid());
  own->run(child_command::shell("echo $$ > " + path + "; exec sleep 300"), {}, {},
           [](run_result&&) { FAIL(); });
  pid_t pid = 0;
  EXPECT_TRUE(comes_true([&] { return std::ifstream{path} >> pid && pid > 0; }));
  EXPECT_TRUE(is_alive(pid));
  own.reset();
  EXPECT_TRUE(comes_true([&] { return !is_alive(pid); }));
  ::unlink(path.c_str());
}

TEST_F(processes, the_death_of_the_spawner_is_told_and_another_takes_over) {
  const pid_t first = starter.pid();
  std::optional<run_result> lost;
  runner.run(child_command::shell("sleep 300"), {}, {},
             [&](run_result&& r) { lost = std::move(r); });
  ::kill(first, SIGKILL);
  EXPECT_TRUE(loop.run_until([&] { return lost.has_value(); }));
  EXPECT_EQ(lost->outcome, run_outcome::lost);
  EXPECT_TRUE(run_shell("exit 0").succeeded());
  EXPECT_NE(starter.pid(), first);
}

TEST_F(processes, a_spawner_that_has_died_is_taken_and_replaced_before_it_is_asked_for) {
  const pid_t first = starter.pid();
  EXPECT_TRUE(run_shell("exit 0").succeeded());
  ::kill(first, SIGKILL);
  // A process that nobody has taken can still be signalled.
  EXPECT_TRUE(loop.run_until([&] { return ::kill(first, 0) != 0; }));
  EXPECT_EQ(errno, ESRCH);
  EXPECT_NE(starter.pid(), first);
  EXPECT_EQ(::kill(starter.pid(), 0), 0);
}

TEST_F(processes, spawners_that_die_are_replaced_once_a_second_at_most) {
  const auto kill_and_await_another = [&] {
    const pid_t old = starter.pid();
    ::kill(old, SIGKILL);
    EXPECT_TRUE(loop.run_until([&] { return starter.pid() != old; }));
  };
  EXPECT_TRUE(run_shell("exit 0").succeeded());
  const instant begun = now();
  kill_and_await_another();
  kill_and_await_another();
  EXPECT_GE(now() - begun, seconds{1});
}

TEST_F(processes, a_child_that_stops_the_spawner_holds_up_nobody_for_long) {
  const pid_t first = starter.pid();
  // Its parent is the spawner, of the same user.
  EXPECT_TRUE(run_shell("kill -STOP $PPID; exit 0").succeeded());
  EXPECT_TRUE(run_shell("exit 0").succeeded());
  EXPECT_EQ(starter.pid(), first); // continued: what else ran was not lost
}

TEST_F(processes, a_spawner_that_stays_silent_is_replaced) {
  const pid_t first = starter.pid();
  std::atomic<bool> is_replaced{false};
  std::thread stopping{[&] {
    while (!is_replaced && ::kill(first, SIGSTOP) == 0) std::this_thread::yield();
  }};
  std::optional<run_result> lost;
  runner.run(child_command::shell("sleep 300"), {}, {.deadline = seconds{300}},
             [&](run_result&& r) { lost = std::move(r); });
  EXPECT_TRUE(loop.run_until([&] { return lost.has_value(); }, seconds{60}));
  is_replaced = true;
  stopping.join();
  EXPECT_EQ(lost->outcome, run_outcome::lost);
  EXPECT_TRUE(run_shell("exit 0").succeeded());
  EXPECT_NE(starter.pid(), first);
}

TEST_F(processes, shards_of_several_threads_start_children_by_one_spawner_even_when_it_dies) {
  constexpr int runs = 40;
  const auto work = [this](int number) {
    io::shard own;
    tandem::process::runner children{own, starter, {.most_running = 4, .most_waiting = 400}};
    int ended = 0;
    int succeeded = 0;
    for (int i = 0; i < runs; ++i)
      children.run(child_command::shell("cat"), std::to_string(number),
                   {.longest_wait = seconds{60}, .output = run_output::capture},
                   [&](run_result&& r) {
                     ++ended;
                     if (r.succeeded() && r.output == std::to_string(number)) ++succeeded;
                   });
    EXPECT_TRUE(own.run_until([&] { return ended == runs; }, seconds{60}));
    return succeeded;
  };
  const auto both = [&] {
    int other = 0;
    std::thread thread{[&] { other = work(1); }};
    const int mine = work(2);
    thread.join();
    return mine + other;
  };
  EXPECT_EQ(both(), 2 * runs);
  ::kill(starter.pid(), SIGKILL);
  (void)both(); // some are lost; none is without an answer
  EXPECT_TRUE(comes_true([&] { return run_shell("exit 0").succeeded(); }));
}

TEST_F(processes, are_no_nicer_than_19_whatever_is_added) {
  spawner strict{{.limits = {.niceness = 100}}};
  tandem::process::runner own{loop, strict};
  std::optional<run_result> result;
  own.run(child_command::shell("nice"), {}, {.output = run_output::capture},
          [&](run_result&& r) { result = std::move(r); });
  EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }));
  EXPECT_EQ(result->output, "19\n");
}

TEST_F(processes, limits_hold_the_child) {
  spawner strict{{.limits = {.file_bytes = 4096, .open_files = 16, .niceness = 3}}};
  tandem::process::runner own{loop, strict};
  std::optional<run_result> result;
  own.run(child_command::shell("ulimit -n; ulimit -c; nice"), {}, {.output = run_output::capture},
          [&](run_result&& r) { result = std::move(r); });
  EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }));
  const int here = ::getpriority(PRIO_PROCESS, 0);
  EXPECT_EQ(result->output, "16\n0\n" + std::to_string(std::min(here + 3, 19)) + "\n");
}

TEST_F(processes, children_are_another_user_when_asked_for) {
  if (::getuid() != 0) GTEST_SKIP() << "only root may become another user";
  spawner other{{.user = find_user("nobody")}};
  tandem::process::runner own{loop, other};
  std::optional<run_result> result;
  own.run(child_command::shell("id -un; cat /dev/stdin"), "readable",
          {.output = run_output::capture}, [&](run_result&& r) { result = std::move(r); });
  EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }));
  EXPECT_EQ(result->output, "nobody\nreadable");
}

TEST_F(processes, runs_leave_no_descriptor_behind) {
  const auto open_in = [](const std::string& pid) {
    return std::distance(std::filesystem::directory_iterator{"/proc/" + pid + "/fd"}, {});
  };
  run_shell("true", "x");
  const std::string other = std::to_string(starter.pid());
  const auto here = open_in("self");
  const auto there = open_in(other);
  for (int i = 0; i < 50; ++i) run_shell("echo x; echo y >&2", "input");
  run_shell("echo x; echo y >&2; sleep 0.1; exit 1", std::string(100'000, 'x'));
  run_shell("sleep 60", {}, {.deadline = milliseconds{1}});
  run(program({"tandem-no-such-program"}), "input");
  EXPECT_EQ(open_in("self"), here);
  // It closes what it had of a child after its report.
  EXPECT_TRUE(comes_true([&] { return open_in(other) <= there; }));
}

} // namespace

TEST_F(processes, children_live_in_another_root_and_folder_when_asked_for) {
  if (::getuid() != 0) GTEST_SKIP() << "only root may change the root";
  spawner moved{{.root = "/", .work_folder = "/usr"}};
  tandem::process::runner own{loop, moved};
  std::optional<run_result> result;
  own.run(child_command::shell("pwd"), {}, {.output = run_output::capture},
          [&](run_result&& r) { result = std::move(r); });
  EXPECT_TRUE(loop.run_until([&] { return result.has_value(); }));
  EXPECT_EQ(result->output, "/usr\n");
}

TEST_F(processes, other_bounds_let_those_that_wait_start) {
  tandem::process::runner small{loop, starter, {.most_running = 1, .most_waiting = 1}};
  bool is_first_over = false;
  bool is_second_over = false;
  const auto first = small.run(child_command::shell("sleep 60"), {}, {},
                               [&](run_result&&) { is_first_over = true; });
  small.run(child_command::shell("true"), {}, {},
            [&](run_result&& r) { is_second_over = r.succeeded(); });
  EXPECT_EQ(small.statistics().waiting, 1);
  small.set_options({.most_running = 2, .most_waiting = 1});
  EXPECT_EQ(small.statistics().waiting, 0);
  EXPECT_TRUE(loop.run_until([&] { return is_second_over; }));
  EXPECT_FALSE(is_first_over);
  small.cancel(first);
}

// SPDX-License-Identifier: Apache-2.0
// Child processes of a shard: started by the spawner process, bounded in number, time and output,
// their ends delivered on the shard. One runner a shard; use it, and destroy it, on its thread
// only.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/counter.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/process/child_command.hpp>
#include <tandem/process/spawner.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::io {
class shard;
}

namespace tandem::process {

enum class run_output : std::uint8_t {
  discard, ///< to /dev/null
  capture, ///< into the result
};

struct run_options {
  duration deadline = seconds{10};    ///< from its start: TERM to its group, KILL after `grace`
  duration grace = seconds{2};        ///< between TERM and KILL
  duration longest_wait = seconds{5}; ///< in the queue; then it is refused as overloaded
  run_output output = run_output::discard;
  std::size_t output_limit =
      std::size_t{64} * 1024;                     ///< more output ends the child: too_much_output
  std::size_t log_limit = std::size_t{16} * 1024; ///< bytes of standard error that go into the log
  std::string log_tag = {}; ///< stands before each of its lines: a transaction's id
};

enum class run_outcome : std::uint8_t {
  exited,          ///< code: its exit status
  signalled,       ///< code: the signal that ended it
  timed_out,       ///< ended at its deadline; code: the signal, or the exit status after TERM
  too_much_output, ///< wrote more than output_limit and was ended
  overloaded,      ///< not started: the queue was full, or it waited too long in it
  not_started,     ///< code: the errno (ENOENT: no such program)
  lost,            ///< the spawner died, and its children with it; or its output was lost
};

[[nodiscard]] std::string_view to_string(run_outcome outcome) noexcept;

struct run_result {
  run_outcome outcome = run_outcome::lost;
  int code = 0;
  std::string output = {}; ///< what it wrote to standard output, if captured
  duration run_time{0};    ///< from its start to its end, as the shard saw them
  duration cpu_time{0};    ///< user and system time of the child

  [[nodiscard]] bool succeeded() const noexcept {
    return outcome == run_outcome::exited && code == 0;
  }
};

struct runner_options {
  std::size_t most_running = 32;  ///< children at a time
  std::size_t most_waiting = 256; ///< in the queue behind them; beyond: overloaded
};

/// What a runner has done, for metrics.
struct runner_statistics {
  counter started; ///< asked for; what then did not start is in not_started, too
  counter succeeded;
  counter failed; ///< any other end of what started
  counter timed_out;
  counter overloaded;
  counter not_started;
  gauge running;
  gauge waiting;
};

class runner {
 public:
  struct job;
  using key = handle<job>;
  using done_handler = std::function<void(run_result&&)>;

  /// \param starter must outlive the runner.
  runner(io::shard& loop, spawner& starter, runner_options options = {});
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;

  /// Kills what still runs; no handler is called any more.
  ~runner();

  /// Starts a child, or queues it. `on_done` is called exactly once, later and on the shard, never
  /// from inside run(), unless cancel() came first. What it captures must live until then.
  /// \param input what the child finds on its standard input, as a file that ends after it; copied.
  /// \return names the run, for cancel().
  key run(const child_command& command, std::string_view input, run_options options,
          done_handler on_done);

  /// Gives up a run: its handler is forgotten; TERM, then KILL after its grace, if it has started.
  /// No effect when it has ended.
  void cancel(key run) noexcept;

  /// Opens the channel to the spawner now instead of at the first run, so that the descriptors of a
  /// server do not grow later. A failure is no error: run() tries again.
  void connect();

  /// Other bounds from now on; what runs and waits already stays.
  void set_options(runner_options options);

  [[nodiscard]] const runner_statistics& statistics() const noexcept;

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

} // namespace tandem::process

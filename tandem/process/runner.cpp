// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/runner.hpp>

#include <tandem/base/give_back.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/log.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/read_buffer.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/process/packet.hpp>
#include <tandem/process/spawn_wire.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <span>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::process {

namespace {

/// Most children end sooner than this. Only of those that do not are the pipes asked for and
/// watched; those of the others come with their end. A pipe holds 64 KB meanwhile.
constexpr duration watch_after = milliseconds{20};

/// How long a child that was sent KILL may take to end (it may hang in the kernel) before its
/// result is given all the same.
constexpr duration after_kill = seconds{1};

/// How long to wait when the spawner cannot be reached or takes no more.
constexpr duration retry_after = milliseconds{100};

/// A spawner that says nothing for so long, while children run, is asked whether it still works.
constexpr duration ask_after = seconds{1};
/// And is replaced when it does not answer for so long. A busy machine makes it late, too.
constexpr duration answer_within = seconds{4};

constexpr std::size_t longest_log_line = 1024;

/// A file in memory with the input in it, read from its start; none when the kernel has none.
io::unique_fd make_input(std::string_view input) noexcept {
  io::unique_fd file{::memfd_create("stdin", MFD_CLOEXEC)};
  for (std::size_t written = 0; file && written < input.size();) {
    const ssize_t n = ::pwrite(file.get(), input.data() + written, input.size() - written,
                               static_cast<off_t>(written));
    if (n <= 0)
      file.reset();
    else
      written += static_cast<std::size_t>(n);
  }
  return file;
}

iovec piece_of(const void* data, std::size_t size) noexcept {
  return {.iov_base = const_cast<void*>(data), .iov_len = size};
}

/// Nothing is wrong with the program: the system has no room for it now.
bool is_shortage(int error) noexcept {
  return error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOMEM;
}

} // namespace

std::string_view to_string(run_outcome outcome) noexcept {
  switch (outcome) {
  case run_outcome::exited: return "exited";
  case run_outcome::signalled: return "ended by a signal";
  case run_outcome::timed_out: return "ended at its deadline";
  case run_outcome::too_much_output: return "wrote too much";
  case run_outcome::overloaded: return "refused, too many are running";
  case run_outcome::not_started: return "could not be started";
  case run_outcome::lost: break;
  }
  return "lost with the process that starts children";
}

struct waiting_tag;

/// The reading end of a child's output. Watched only while the child runs.
class child_pipe final : io::readiness {
 public:
  child_pipe(io::shard& loop, io::unique_fd end, runner::job& of)
      : loop_{loop}, end_{std::move(end)}, of_{of} {
    ::fcntl(end_.get(), F_SETFL, O_NONBLOCK);
  }
  ~child_pipe() {
    if (watched_) loop_.unwatch(end_.get(), *this);
  }

  void watch() { watched_ = loop_.watch(end_.get(), *this, EPOLLIN); }
  [[nodiscard]] int get() const noexcept { return end_.get(); }

 private:
  void on_ready(std::uint32_t) override; // the pipe may be closed by it

  io::shard& loop_;
  io::unique_fd end_;
  runner::job& of_;
  bool watched_ = false;
};

/// One run, from run() to the report of its end.
struct runner::job final : timer, list_hook<waiting_tag> {
  enum class phase : std::uint8_t { waiting, refused, young, watched, terminated, killed };

  job(impl& of, run_options given, done_handler handler)
      : owner{of}, options{std::move(given)}, on_done{std::move(handler)} {}

  void on_timer(instant at) override;

  impl& owner;
  key self;
  run_options options;
  done_handler on_done; ///< empty: cancelled, or answered already
  spawn_request request{};
  std::string strings; ///< of the request, until sent
  std::string input;   ///< while waiting
  phase at = phase::waiting;
  run_result result;
  run_outcome verdict = run_outcome::exited; ///< why it was ended, if it was
  instant started{};
  std::optional<child_pipe> output;
  std::optional<child_pipe> errors;
  bool has_had_output = false; ///< `output` was there
  std::size_t logged = 0;
  std::string line; ///< of standard error, unfinished
};

class runner::impl final : public std::enable_shared_from_this<runner::impl>, io::readiness {
 public:
  impl(io::shard& loop, spawner& starter, runner_options options)
      : loop_{loop}, spawner_{starter}, options_{options}, retry_{*this}, silence_{*this} {}

  void stop() noexcept {
    stopped_ = true;
    jobs_.for_each([](key, job& j) { j.on_done = nullptr; });
    close_channel(); // the spawner kills what runs
    jobs_.for_each([this](key k, job&) { jobs_.erase(k); });
    retry_.cancel();
    silence_.cancel();
  }

  key run(const child_command& command, std::string_view input, run_options options,
          done_handler on_done) {
    const key k = jobs_.emplace(*this, std::move(options), std::move(on_done));
    job& j = *jobs_.find(k);
    j.self = k;
    auto packed = pack(command);
    if (!packed) {
      j.result.code = E2BIG;
      answer_later(j, run_outcome::not_started);
      return k;
    }
    j.strings = std::move(*packed);
    j.request = {.id = (std::uint64_t{k.generation} << 32) | k.slot,
                 .kind = spawn_request_kind::run,
                 .signal = 0,
                 .pipes = (j.options.output == run_output::capture ? output_pipe : 0U) |
                          (j.options.log_limit > 0 ? errors_pipe : 0U),
                 .direct = static_cast<std::uint32_t>(command.direct.size()),
                 .arguments = static_cast<std::uint32_t>(command.arguments.size()),
                 .inherits = command.inherits_environment ? 1U : 0U,
                 .input = 0,
                 .has_file = 0};
    if (running() < options_.most_running && statistics.waiting == 0 && start(j, input)) return k;
    if (waiting() >= options_.most_waiting) {
      answer_later(j, run_outcome::overloaded);
      return k;
    }
    j.input = input;
    j.at = job::phase::waiting;
    waiting_.push_back(j);
    ++statistics.waiting;
    loop_.timers().arm(j, loop_.now() + j.options.longest_wait);
    return k;
  }

  void cancel(key k) noexcept {
    job* j = jobs_.find(k);
    if (!j) return;
    j->on_done = nullptr;
    if (j->list_hook<waiting_tag>::is_linked()) {
      --statistics.waiting;
      jobs_.erase(k);
    } else if (j->at == job::phase::young || j->at == job::phase::watched) {
      terminate(*j, run_outcome::timed_out);
    }
  }

  void connect() { open_channel(); }

  void set_options(runner_options options) {
    options_ = options;
    start_waiting();
  }

  /// A job's moment has come: the next step of what was begun.
  void on_job_timer(job& j, instant at) {
    switch (j.at) {
    case job::phase::refused: return; // never armed
    case job::phase::waiting:
      j.list_hook<waiting_tag>::unlink();
      --statistics.waiting;
      finish(j, run_outcome::overloaded);
      return;
    case job::phase::young:
      if (const instant deadline = j.started + j.options.deadline; at < deadline) {
        const bool is_asked = j.request.pipes == 0 || send_request(j, spawn_request_kind::pipes);
        if (is_asked) j.at = job::phase::watched;
        loop_.timers().arm(j, is_asked ? deadline : std::min(deadline, at + watch_after));
        return;
      }
      [[fallthrough]];
    case job::phase::watched: terminate(j, run_outcome::timed_out); return;
    case job::phase::terminated:
      j.at = job::phase::killed;
      send_request(j, spawn_request_kind::signal, SIGKILL);
      loop_.timers().arm(j, loop_.now() + after_kill);
      return;
    case job::phase::killed:
      // The kernel holds it, or the spawner had no room for a request. Its caller need not wait.
      // Its place stays taken until its end is told; the spawner tells that of a child, too, which
      // it does not have.
      send_request(j, spawn_request_kind::signal, SIGKILL);
      loop_.timers().arm(j, loop_.now() + after_kill);
      answer(j, j.verdict); // may end this job
      return;
    }
  }

  /// Asks for the channel again, and starts what waits.
  void on_retry() {
    if (open_channel()) start_waiting();
  }

  /// Children run, and it is time to hear of the spawner: one that its children have stopped would
  /// report no end and start nothing.
  void on_silence() {
    if (statistics.running == 0 || !channel_) return;
    const auto alive = shared_from_this();
    const instant now = loop_.now();
    const instant due = heard_ + (is_asked_ ? answer_within : ask_after);
    if (now < due) {
      loop_.timers().arm(silence_, due);
    } else if (is_asked_) {
      spawner_.replace(channel_number_);
      lose_channel(); // here and now: one that cannot be killed keeps its end open
    } else {
      spawner_.wake();
      send_request(spawn_request_kind::ping, 0);
      is_asked_ = true;
      loop_.timers().arm(silence_, now + answer_within);
      heard_ = now;
    }
  }

  /// Takes what the pipes of a job hold now.
  void read_pipes(job& j) {
    read_pipe(j, &job::output);
    read_pipe(j, &job::errors);
  }

  runner_statistics statistics;

 private:
  using pipe_member = std::optional<child_pipe> job::*;

  struct retry_timer final : timer {
    explicit retry_timer(impl& of) : owner{of} {}
    void on_timer(instant) override { owner.on_retry(); }
    impl& owner;
  };

  struct silence_timer final : timer {
    explicit silence_timer(impl& of) : owner{of} {}
    void on_timer(instant) override { owner.on_silence(); }
    impl& owner;
  };

  [[nodiscard]] std::size_t running() const noexcept {
    return static_cast<std::size_t>(statistics.running.value());
  }
  [[nodiscard]] std::size_t waiting() const noexcept {
    return static_cast<std::size_t>(statistics.waiting.value());
  }

  /// Sends the request of a job; false when it must wait for the spawner.
  bool start(job& j, std::string_view input) {
    if (!open_channel()) return false;
    if (send_run(j, input) != 0) {
      loop_.timers().arm(retry_, loop_.now() + retry_after);
      return false;
    }
    give_back(j.strings);
    give_back(j.input);
    j.at = job::phase::young;
    j.started = loop_.now();
    ++statistics.running;
    ++statistics.started;
    loop_.timers().arm(j, j.started + std::min(watch_after, j.options.deadline));
    if (!silence_.is_armed()) {
      heard_ = j.started;
      loop_.timers().arm(silence_, heard_ + ask_after);
    }
    return true;
  }

  /// \return 0, or the errno.
  int send_run(job& j, std::string_view input) {
    io::unique_fd file;
    if (input.size() > longest_input_within) {
      file = make_input(input);
      if (!file) return EMFILE;
      input = {};
    }
    j.request.has_file = file ? 1U : 0U;
    j.request.input = static_cast<std::uint32_t>(input.size());
    const std::array pieces{piece_of(&j.request, sizeof j.request),
                            piece_of(j.strings.data(), j.strings.size()),
                            piece_of(input.data(), input.size())};
    const int descriptor = file.get();
    return send_packet(channel_.get(), pieces, {&descriptor, j.request.has_file});
  }

  void start_waiting() {
    while (!stopped_ && running() < options_.most_running && !waiting_.empty()) {
      job& j = waiting_.front();
      if (!start(j, j.input)) return;
      j.list_hook<waiting_tag>::unlink();
      --statistics.waiting;
    }
  }

  /// Asks for more about a child that runs; false when the spawner takes no more just now.
  bool send_request(const job& j, spawn_request_kind kind, std::uint32_t signal = 0) noexcept {
    return send_request(kind, j.request.id, signal);
  }

  bool send_request(spawn_request_kind kind, std::uint64_t id, std::uint32_t signal = 0) noexcept {
    if (!channel_) return false;
    spawn_request request{};
    request.id = id;
    request.kind = kind;
    request.signal = signal;
    const iovec piece = piece_of(&request, sizeof request);
    return send_packet(channel_.get(), {&piece, 1}) == 0;
  }

  void terminate(job& j, run_outcome why) {
    j.verdict = why;
    j.at = job::phase::terminated;
    send_request(j, spawn_request_kind::signal, SIGTERM);
    loop_.timers().arm(j, loop_.now() + j.options.grace);
  }

  bool open_channel() {
    if (channel_) return true;
    const auto opened = spawner_.open_channel();
    if (!opened) {
      loop_.timers().arm(retry_, loop_.now() + retry_after);
      return false;
    }
    channel_ = io::unique_fd{opened->descriptor};
    channel_number_ = opened->number;
    is_asked_ = false;
    heard_ = loop_.now();
    loop_.watch(channel_.get(), *this, EPOLLIN);
    return true;
  }

  void close_channel() noexcept {
    if (channel_) loop_.unwatch(channel_.get(), *this);
    channel_.reset();
  }

  /// One report a turn: mostly there is one.
  void on_ready(std::uint32_t) override {
    const auto alive = shared_from_this();
    spawn_report report{};
    const auto taken =
        take_packet(channel_.get(), {reinterpret_cast<char*>(&report), sizeof report});
    heard_ = loop_.now();
    is_asked_ = false;
    if (taken)
      take_report(report, taken->descriptors);
    else if (!is_passing(taken.error()))
      lose_channel();
  }

  void take_report(const spawn_report& report, const std::array<int, most_passed>& passed) {
    std::array<io::unique_fd, most_passed> pipes{io::unique_fd{passed[0]},
                                                 io::unique_fd{passed[1]}};
    const key k{.slot = static_cast<std::uint32_t>(report.id),
                .generation = static_cast<std::uint32_t>(report.id >> 32)};
    job* j = jobs_.find(k);
    if (!j) return;
    std::size_t next = 0;
    const auto adopt = [&](std::uint32_t bit, std::optional<child_pipe>& as) {
      if ((report.pipes & bit) == 0) return;
      // None came when this process may have no more descriptors.
      if (io::unique_fd& end = pipes[next++]) as.emplace(loop_, std::move(end), *j);
    };
    adopt(output_pipe, j->output);
    adopt(errors_pipe, j->errors);
    j->has_had_output = j->has_had_output || j->output;
    if (report.kind == spawn_report_kind::ended) {
      take_end(*j, report);
      return;
    }
    if (j->output) j->output->watch();
    if (j->errors) j->errors->watch();
  }

  void take_end(job& j, const spawn_report& report) {
    --statistics.running;
    j.result.run_time = loop_.now() - j.started;
    j.result.cpu_time = microseconds{report.cpu_microseconds};
    if (report.start_error != 0) {
      j.result.code = report.start_error;
      finish(j,
             is_shortage(report.start_error) ? run_outcome::overloaded : run_outcome::not_started);
      return;
    }
    read_pipes(j);
    if (!j.line.empty()) log_line(j);
    const bool by_signal = WIFSIGNALED(report.wait_status);
    j.result.code = by_signal ? WTERMSIG(report.wait_status) : WEXITSTATUS(report.wait_status);
    run_outcome outcome = j.verdict;
    if (outcome == run_outcome::exited && by_signal) outcome = run_outcome::signalled;
    if (j.options.output == run_output::capture && !j.has_had_output) outcome = run_outcome::lost;
    finish(j, outcome);
  }

  /// The spawner is gone and has taken its children with it.
  void lose_channel() {
    close_channel();
    log_error("the process that starts children is gone; {} runs are lost", running());
    // Another one is ready before it is asked for, and the one that has ended is taken (wait(2)).
    loop_.timers().arm(retry_, loop_.now() + retry_after);
    std::vector<key> lost;
    jobs_.for_each([&](key k, job& j) {
      if (j.at > job::phase::refused) lost.push_back(k);
    });
    statistics.running.set(0);
    for (const key k : lost) {
      if (job* j = jobs_.find(k)) finish(*j, run_outcome::lost);
      if (stopped_) return;
    }
    start_waiting();
  }

  /// Takes what a pipe holds, at most a few buffers of it, and closes the pipe at its end or limit.
  void read_pipe(job& j, pipe_member member) {
    auto& pipe = j.*member;
    auto& buffer = io::read_buffer();
    for (int turn = 0; pipe && turn < 4; ++turn) {
      const ssize_t got = ::read(pipe->get(), buffer.data(), buffer.size());
      if (got < 0) return; // EAGAIN: nothing there yet
      if (got == 0) {
        pipe.reset();
        return;
      }
      const std::string_view bytes{buffer.data(), static_cast<std::size_t>(got)};
      if (member == &job::output)
        take_output(j, bytes);
      else
        take_errors(j, bytes);
      if (bytes.size() < buffer.size()) return;
    }
  }

  void take_output(job& j, std::string_view bytes) {
    const std::size_t room = j.options.output_limit - j.result.output.size();
    j.result.output.append(bytes.substr(0, room));
    if (bytes.size() <= room) return;
    j.output.reset(); // what it writes now gets SIGPIPE
    if (j.at == job::phase::young || j.at == job::phase::watched)
      terminate(j, run_outcome::too_much_output);
  }

  void take_errors(job& j, std::string_view bytes) {
    const std::size_t room = j.options.log_limit - j.logged;
    const bool is_too_much = bytes.size() > room;
    bytes = bytes.substr(0, room);
    j.logged += bytes.size();
    for (const char c : bytes) {
      if (c != '\n') j.line.push_back(c);
      if (c == '\n' || j.line.size() >= longest_log_line) log_line(j);
    }
    if (!is_too_much) return;
    j.line += " ... (more is not logged)";
    log_line(j);
    j.errors.reset();
  }

  void log_line(job& j) {
    log_notice("exec {}: {}", j.options.log_tag, j.line);
    j.line.clear();
  }

  /// Calls the handler, once.
  void answer(job& j, run_outcome outcome) {
    if (!j.on_done) return;
    j.result.outcome = outcome;
    switch (outcome) {
    case run_outcome::overloaded: ++statistics.overloaded; break;
    case run_outcome::not_started: ++statistics.not_started; break;
    default: ++(j.result.succeeded() ? statistics.succeeded : statistics.failed); break;
    }
    if (outcome == run_outcome::timed_out) ++statistics.timed_out;
    const done_handler handler = std::exchange(j.on_done, nullptr);
    handler(std::move(j.result)); // may end the runner and this job with it
  }

  /// The end of a job: the handler runs when the job is gone already and the next has started.
  void finish(job& j, run_outcome outcome) {
    const auto alive = shared_from_this();
    job ended{*this, {}, std::move(j.on_done)};
    ended.result = std::move(j.result);
    jobs_.erase(j.self);
    start_waiting();
    answer(ended, outcome);
  }

  /// finish(), but from the loop: run() never calls its handler itself.
  void answer_later(job& j, run_outcome outcome) {
    j.at = job::phase::refused;
    loop_.post([weak = weak_from_this(), k = j.self, outcome] {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      if (job* found = self->jobs_.find(k)) self->finish(*found, outcome);
    });
  }

  io::shard& loop_;
  spawner& spawner_;
  runner_options options_;
  slot_map<job> jobs_;
  intrusive_list<job, waiting_tag> waiting_;
  io::unique_fd channel_;
  std::uint64_t channel_number_ = 0; ///< tells which spawner is at its other end
  instant heard_{};       ///< the last word of the spawner, or the question it owes an answer
  bool is_asked_ = false; ///< it owes one
  retry_timer retry_;
  silence_timer silence_;
  bool stopped_ = false;
};

void child_pipe::on_ready(std::uint32_t) { of_.owner.read_pipes(of_); }

void runner::job::on_timer(instant when) { owner.on_job_timer(*this, when); }

runner::runner(io::shard& loop, spawner& starter, runner_options options)
    : impl_{std::make_shared<impl>(loop, starter, options)} {}

runner::~runner() { impl_->stop(); }

runner::key runner::run(const child_command& command, std::string_view input, run_options options,
                        done_handler on_done) {
  return impl_->run(command, input, std::move(options), std::move(on_done));
}

void runner::cancel(key run) noexcept { impl_->cancel(run); }

void runner::connect() { impl_->connect(); }

void runner::set_options(runner_options options) { impl_->set_options(options); }

const runner_statistics& runner::statistics() const noexcept { return impl_->statistics; }

} // namespace tandem::process

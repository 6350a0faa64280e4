// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/process.hpp>

#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/log.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/spawn_wire.hpp>

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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::io {

namespace {

/// Most children end sooner than this. Only those that do not have their pipes watched; the others
/// are read once, at their end. A pipe holds 64 KB meanwhile.
constexpr duration watch_after = milliseconds{20};

/// How long a child that was sent KILL may take to end (it may hang in the kernel) before its
/// result is given all the same.
constexpr duration after_kill = seconds{1};

/// How long to wait when the spawner cannot be reached or takes no more.
constexpr duration retry_after = milliseconds{100};

constexpr std::size_t longest_log_line = 1024;

/// A file in memory with the input in it, read from its start; none when the kernel has none.
unique_fd make_input(std::string_view input) noexcept {
  unique_fd file{::memfd_create("stdin", MFD_CLOEXEC)};
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

/// The strings of a request, each ended by NUL; nothing when they are too many, too long or hold
/// a NUL themselves.
std::optional<std::string> pack(const process_command& command) {
  if (command.arguments.empty() || command.arguments.size() > most_child_arguments ||
      command.environment.size() > most_child_variables)
    return std::nullopt;
  std::string packed;
  for (const auto* list : {&command.arguments, &command.environment})
    for (const std::string& string : *list) {
      if (string.find('\0') != std::string::npos) return std::nullopt;
      packed.append(string.c_str(), string.size() + 1);
    }
  if (packed.size() + sizeof(spawn_request) > largest_spawn_request) return std::nullopt;
  return packed;
}

} // namespace

process_command process_command::shell(std::string_view text, std::vector<std::string> parameters) {
  process_command made;
  made.arguments = {"/bin/sh", "-c", std::string{text}, "sh"};
  for (std::string& parameter : parameters) made.arguments.push_back(std::move(parameter));
  return made;
}

std::string_view to_string(process_outcome outcome) noexcept {
  switch (outcome) {
  case process_outcome::exited: return "exited";
  case process_outcome::signalled: return "ended by a signal";
  case process_outcome::timed_out: return "ended at its deadline";
  case process_outcome::too_much_output: return "wrote too much";
  case process_outcome::overloaded: return "refused, too many are running";
  case process_outcome::not_started: return "could not be started";
  case process_outcome::lost: break;
  }
  return "lost with the process that starts children";
}

struct waiting_tag;

/// The reading end of a child's output. Watched only when the child runs long enough to fill it.
class child_pipe final : readiness {
 public:
  child_pipe(shard& home, unique_fd end, process_runner::job& of)
      : home_{home}, end_{std::move(end)}, of_{of} {}
  ~child_pipe() {
    if (watched_) home_.unwatch(end_.get(), *this);
  }

  void watch() { watched_ = home_.watch(end_.get(), *this, EPOLLIN); }
  [[nodiscard]] int get() const noexcept { return end_.get(); }

 private:
  void on_ready(std::uint32_t) override; // the pipe may be closed by it

  shard& home_;
  unique_fd end_;
  process_runner::job& of_;
  bool watched_ = false;
};

/// One run, from run() to the report of its end.
struct process_runner::job final : timer, list_hook<waiting_tag> {
  enum class phase : std::uint8_t { waiting, refused, young, watched, terminated, killed };

  job(impl& of, process_options given, done_handler handler)
      : owner{of}, options{std::move(given)}, on_done{std::move(handler)} {}

  void on_timer(instant at) override;

  impl& owner;
  key self;
  process_options options;
  done_handler on_done; ///< empty: cancelled, or answered already
  spawn_request request{};
  std::string strings; ///< of the request, until sent
  std::string input;   ///< while waiting
  phase at = phase::waiting;
  process_result result;
  process_outcome verdict = process_outcome::exited; ///< why it was ended, if it was
  instant started{};
  std::optional<child_pipe> output;
  std::optional<child_pipe> errors;
  std::size_t logged = 0;
  std::string line; ///< of standard error, unfinished
};

class process_runner::impl final : public std::enable_shared_from_this<process_runner::impl>,
                                   readiness {
 public:
  impl(shard& home, spawner& starter, process_runner_options options)
      : home_{home}, spawner_{starter}, options_{options}, retry_{*this} {}

  void stop() noexcept {
    stopped_ = true;
    jobs_.for_each([](key, job& j) { j.on_done = nullptr; });
    close_channel(); // the spawner kills what runs
    std::vector<key> all;
    jobs_.for_each([&](key k, job&) { all.push_back(k); });
    for (const key k : all) jobs_.erase(k);
    retry_.cancel();
  }

  key run(const process_command& command, std::string_view input, process_options options,
          done_handler on_done) {
    const key k = jobs_.emplace(*this, std::move(options), std::move(on_done));
    job& j = *jobs_.find(k);
    j.self = k;
    auto packed = pack(command);
    if (!packed) {
      j.result.code = E2BIG;
      answer_later(j, process_outcome::not_started);
      return k;
    }
    j.strings = std::move(*packed);
    j.request = {.id = (std::uint64_t{k.generation} << 32) | k.slot,
                 .kind = spawn_request_kind::run,
                 .signal = 0,
                 .descriptors = 0,
                 .arguments = static_cast<std::uint32_t>(command.arguments.size()),
                 .variables = static_cast<std::uint32_t>(command.environment.size()),
                 .inherits = command.inherits_environment ? 1U : 0U};
    if (statistics.running < options_.most_running && statistics.waiting == 0 && start(j, input))
      return k;
    if (statistics.waiting >= options_.most_waiting) {
      answer_later(j, process_outcome::overloaded);
      return k;
    }
    j.input = input;
    j.at = job::phase::waiting;
    waiting_.push_back(j);
    ++statistics.waiting;
    home_.timers().arm(j, home_.now() + j.options.longest_wait);
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
      terminate(*j, process_outcome::timed_out);
    }
  }

  void connect() { open_channel(); }

  void set_options(process_runner_options options) {
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
      finish(j, process_outcome::overloaded);
      return;
    case job::phase::young:
      if (at < j.started + j.options.deadline) {
        j.at = job::phase::watched;
        home_.timers().arm(j, j.started + j.options.deadline);
        if (j.output) j.output->watch();
        if (j.errors) j.errors->watch();
        return;
      }
      [[fallthrough]];
    case job::phase::watched: terminate(j, process_outcome::timed_out); return;
    case job::phase::terminated:
      j.at = job::phase::killed;
      send_signal(j, SIGKILL);
      home_.timers().arm(j, home_.now() + after_kill);
      return;
    case job::phase::killed:
      // The kernel holds it. Its caller need not wait; its place stays taken until it ends.
      answer(j, j.verdict);
      return;
    }
  }

  /// Asks for the channel again, and starts what waits.
  void on_retry() { start_waiting(); }

  /// Takes what the pipes of a job hold now.
  void read_pipes(job& j) {
    read_pipe(j, &job::output);
    read_pipe(j, &job::errors);
  }

  process_statistics statistics;

 private:
  using pipe_member = std::optional<child_pipe> job::*;

  struct retry_timer final : timer {
    explicit retry_timer(impl& of) : owner{of} {}
    void on_timer(instant) override { owner.on_retry(); }
    impl& owner;
  };

  /// Sends the request of a job; false when it must wait for the spawner.
  bool start(job& j, std::string_view input) {
    if (!open_channel()) return false;
    std::array<unique_fd, 3> passed;
    std::size_t count = 0;
    bool complete = true;
    j.request.descriptors = 0;
    if (!input.empty()) {
      complete = static_cast<bool>(passed[count++] = make_input(input));
      j.request.descriptors |= passes_stdin;
    }
    const auto add_pipe = [&](pipe_member member, std::uint32_t bit) {
      int ends[2];
      if (!complete || ::pipe2(ends, O_CLOEXEC) != 0) {
        complete = false;
        return;
      }
      ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
      // So that the child may open it again by its name, /dev/stdout or /dev/stderr. Only root can
      // give it away, and nobody else needs to.
      if (const auto& user = spawner_.user(); user && user->uid != own_uid_)
        static_cast<void>(::fchown(ends[1], user->uid, user->gid) == 0);
      (j.*member).emplace(home_, unique_fd{ends[0]}, j);
      passed[count++] = unique_fd{ends[1]};
      j.request.descriptors |= bit;
    };
    if (j.options.output == process_output::capture) add_pipe(&job::output, passes_stdout);
    if (j.options.log_limit > 0) add_pipe(&job::errors, passes_stderr);
    const int error = complete ? send(j.request, j.strings, {passed.data(), count}) : EMFILE;
    if (error == 0) {
      j.strings = {};
      j.input = {};
      j.at = job::phase::young;
      j.started = home_.now();
      ++statistics.running;
      ++statistics.started;
      home_.timers().arm(j, j.started + std::min(watch_after, j.options.deadline));
      return true;
    }
    j.output.reset();
    j.errors.reset();
    home_.timers().arm(retry_, home_.now() + retry_after);
    return false;
  }

  void start_waiting() {
    while (!stopped_ && statistics.running < options_.most_running && !waiting_.empty()) {
      job& j = waiting_.front();
      if (!start(j, j.input)) return;
      j.list_hook<waiting_tag>::unlink();
      --statistics.waiting;
    }
  }

  /// One packet to the spawner; 0, or the errno.
  int send(const spawn_request& header, std::string_view strings,
           std::span<const unique_fd> passed) noexcept {
    spawn_request copy = header;
    std::array<iovec, 2> text{
        iovec{.iov_base = &copy, .iov_len = sizeof copy},
        iovec{.iov_base = const_cast<char*>(strings.data()), .iov_len = strings.size()}};
    alignas(cmsghdr) char ancillary[CMSG_SPACE(3 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = text.data();
    message.msg_iovlen = text.size();
    if (const std::size_t count = passed.size(); count > 0) {
      std::array<int, 3> descriptors{};
      std::ranges::transform(passed, descriptors.begin(), &unique_fd::get);
      message.msg_control = ancillary;
      message.msg_controllen = CMSG_SPACE(count * sizeof(int));
      cmsghdr* control = CMSG_FIRSTHDR(&message);
      control->cmsg_level = SOL_SOCKET;
      control->cmsg_type = SCM_RIGHTS;
      control->cmsg_len = CMSG_LEN(count * sizeof(int));
      std::memcpy(CMSG_DATA(control), descriptors.data(), count * sizeof(int));
    }
    return ::sendmsg(channel_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
  }

  void send_signal(const job& j, int number) noexcept {
    if (!channel_) return;
    spawn_request request{};
    request.id = j.request.id;
    request.kind = spawn_request_kind::signal;
    request.signal = static_cast<std::uint32_t>(number);
    send(request, {}, {});
  }

  void terminate(job& j, process_outcome why) {
    j.verdict = why;
    j.at = job::phase::terminated;
    send_signal(j, SIGTERM);
    home_.timers().arm(j, home_.now() + j.options.grace);
  }

  bool open_channel() {
    if (channel_) return true;
    const auto opened = spawner_.open_channel();
    if (!opened) {
      home_.timers().arm(retry_, home_.now() + retry_after);
      return false;
    }
    channel_ = unique_fd{*opened};
    home_.watch(channel_.get(), *this, EPOLLIN);
    return true;
  }

  void close_channel() noexcept {
    if (channel_) home_.unwatch(channel_.get(), *this);
    channel_.reset();
  }

  void on_ready(std::uint32_t) override {
    const auto alive = shared_from_this();
    take_reports();
  }

  void take_reports() {
    constexpr std::size_t batch = 8;
    std::array<spawn_report, batch> reports;
    std::array<iovec, batch> texts;
    std::array<mmsghdr, batch> messages{};
    for (std::size_t i = 0; i < batch; ++i) {
      texts[i] = {.iov_base = &reports[i], .iov_len = sizeof reports[i]};
      messages[i].msg_hdr.msg_iov = &texts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int got = ::recvmmsg(channel_.get(), messages.data(), batch, MSG_DONTWAIT, nullptr);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    bool is_lost = got <= 0;
    for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got); ++i) {
      if (messages[i].msg_len != sizeof(spawn_report)) {
        is_lost = true; // an empty packet is the end of the channel
        break;
      }
      take_report(reports[i]);
      if (stopped_) return;
    }
    if (is_lost) lose_channel();
  }

  void take_report(const spawn_report& report) {
    const key k{.slot = static_cast<std::uint32_t>(report.id),
                .generation = static_cast<std::uint32_t>(report.id >> 32)};
    job* j = jobs_.find(k);
    if (!j) return;
    --statistics.running;
    j->result.run_time = home_.now() - j->started;
    j->result.cpu_time = microseconds{report.cpu_microseconds};
    if (report.start_error != 0) {
      j->result.code = report.start_error;
      --statistics.started;
      finish(*j, report.start_error == EAGAIN ? process_outcome::overloaded
                                              : process_outcome::not_started);
      return;
    }
    read_pipes(*j);
    if (!j->line.empty()) log_line(*j);
    const bool by_signal = WIFSIGNALED(report.wait_status);
    j->result.code = by_signal ? WTERMSIG(report.wait_status) : WEXITSTATUS(report.wait_status);
    process_outcome outcome = j->verdict;
    if (outcome == process_outcome::exited && by_signal) outcome = process_outcome::signalled;
    finish(*j, outcome);
  }

  /// The spawner is gone and has taken its children with it.
  void lose_channel() {
    close_channel();
    log_error("the process that starts children is gone; {} runs are lost", statistics.running);
    std::vector<key> running;
    jobs_.for_each([&](key k, job& j) {
      if (j.at > job::phase::refused) running.push_back(k);
    });
    statistics.running = 0;
    for (const key k : running) {
      if (job* j = jobs_.find(k)) finish(*j, process_outcome::lost);
      if (stopped_) return;
    }
    start_waiting();
  }

  /// Takes what a pipe holds, at most a few buffers of it, and closes the pipe at its end or limit.
  void read_pipe(job& j, pipe_member member) {
    auto& pipe = j.*member;
    for (int turn = 0; pipe && turn < 4; ++turn) {
      const ssize_t got = ::read(pipe->get(), buffer_.data(), buffer_.size());
      if (got < 0) return; // EAGAIN: nothing there yet
      if (got == 0) {
        pipe.reset();
        return;
      }
      const std::string_view bytes{buffer_.data(), static_cast<std::size_t>(got)};
      if (member == &job::output)
        take_output(j, bytes);
      else
        take_errors(j, bytes);
      if (bytes.size() < buffer_.size()) return;
    }
  }

  void take_output(job& j, std::string_view bytes) {
    const std::size_t room = j.options.output_limit - j.result.output.size();
    j.result.output.append(bytes.substr(0, room));
    if (bytes.size() <= room) return;
    j.output.reset(); // what it writes now gets SIGPIPE
    if (j.at == job::phase::young || j.at == job::phase::watched)
      terminate(j, process_outcome::too_much_output);
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
  void answer(job& j, process_outcome outcome) {
    if (!j.on_done) return;
    j.result.outcome = outcome;
    switch (outcome) {
    case process_outcome::overloaded: ++statistics.overloaded; break;
    case process_outcome::not_started: ++statistics.not_started; break;
    default: ++(j.result.succeeded() ? statistics.succeeded : statistics.failed); break;
    }
    if (outcome == process_outcome::timed_out) ++statistics.timed_out;
    const done_handler handler = std::exchange(j.on_done, nullptr);
    handler(std::move(j.result)); // may end the runner and this job with it
  }

  /// The end of a job: the handler runs when the job is gone already and the next has started.
  void finish(job& j, process_outcome outcome) {
    const auto alive = shared_from_this();
    job ended{*this, {}, std::move(j.on_done)};
    ended.result = std::move(j.result);
    jobs_.erase(j.self);
    start_waiting();
    answer(ended, outcome);
  }

  /// finish(), but from the loop: run() never calls its handler itself.
  void answer_later(job& j, process_outcome outcome) {
    j.at = job::phase::refused;
    home_.post([weak = weak_from_this(), k = j.self, outcome] {
      const auto self = weak.lock();
      if (!self || self->stopped_) return;
      if (job* found = self->jobs_.find(k)) self->finish(*found, outcome);
    });
  }

  shard& home_;
  spawner& spawner_;
  const uid_t own_uid_ = ::geteuid();
  process_runner_options options_;
  slot_map<job> jobs_;
  intrusive_list<job, waiting_tag> waiting_;
  unique_fd channel_;
  retry_timer retry_;
  std::array<char, std::size_t{64} * 1024> buffer_;
  bool stopped_ = false;
};

void child_pipe::on_ready(std::uint32_t) { of_.owner.read_pipes(of_); }

void process_runner::job::on_timer(instant when) { owner.on_job_timer(*this, when); }

process_runner::process_runner(shard& home, spawner& starter, process_runner_options options)
    : impl_{std::make_shared<impl>(home, starter, options)} {}

process_runner::~process_runner() { impl_->stop(); }

process_runner::key process_runner::run(const process_command& command, std::string_view input,
                                        process_options options, done_handler on_done) {
  return impl_->run(command, input, std::move(options), std::move(on_done));
}

void process_runner::cancel(key run) noexcept { impl_->cancel(run); }

void process_runner::connect() { impl_->connect(); }

void process_runner::set_options(process_runner_options options) { impl_->set_options(options); }

const process_statistics& process_runner::statistics() const noexcept { return impl_->statistics; }

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/spawner_loop.hpp>

#include <tandem/process/child_start.hpp>
#include <tandem/process/forked_process.hpp>
#include <tandem/process/packet.hpp>
#include <tandem/process/spawn_wire.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <span>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace tandem::process {

namespace {

constexpr std::size_t most_channels = 256;

/// Places in the list of what is polled.
constexpr std::size_t control_place = 0;
constexpr std::size_t signals_place = 1;
constexpr std::size_t first_channel = 2;

/// The reading ends of what a child says, -1: none; the bit of pipe i in spawn_wire.hpp is 1 << i.
using child_pipes = std::array<int, 2>;
static_assert(output_pipe == 1U << 0 && errors_pipe == 1U << 1);

struct child {
  pid_t pid; ///< 0: has ended, or free
  std::uint64_t id;
  std::int32_t channel; ///< -1: its runner is gone, nobody wants a report
  child_pipes pipes;
  bool is_untold;   ///< has ended, and its channel had no room for the report yet
  spawn_report end; ///< that report

  [[nodiscard]] bool is_free() const noexcept { return pid == 0 && !is_untold; }
};

/// The answer to a request that the channel had no room for. There is one at most: while there is
/// one, no further request of the channel is read.
struct owed_answer {
  bool is_owed;
  spawn_report report;
};

/// Everything the loop needs, in zero pages that cost nothing until used.
struct memory {
  const spawner_options* options;
  const char* const* inherited; ///< environment
  pid_t self;
  std::array<pollfd, first_channel + most_channels> polled;
  std::array<owed_answer, first_channel + most_channels> owed; ///< by channel
  std::size_t poll_limit; ///< one past the last used place in polled
  std::array<child, most_children> children;
  std::size_t child_limit; ///< one past the last used place in children
  std::size_t running;
  std::array<char, largest_spawn_request> request;
  std::array<const char*, most_child_arguments + 1> direct;
  std::array<const char*, most_child_arguments + 1> arguments;
  std::array<const char*, most_child_variables + 1> environment;
};
memory all; // NOLINT: the forked process is a program of its own and this is its heap

void close_pipes(child_pipes& pipes) noexcept {
  for (int& pipe : pipes)
    if (const int fd = std::exchange(pipe, -1); fd >= 0) ::close(fd);
}

bool holds_bytes(int pipe) noexcept {
  int bytes = 0;
  return pipe >= 0 && ::ioctl(pipe, FIONREAD, &bytes) == 0 && bytes > 0;
}

enum class sent : std::uint8_t {
  whole,
  without_pipes, ///< they could not be passed on
  nothing,       ///< the socket is full: to be told again when it has room (POLLOUT)
};

/// Sends a report with those of the pipes that `wanted` names.
sent send_report(std::int32_t channel, spawn_report what, const child_pipes& pipes = {-1, -1},
                 std::uint32_t wanted = 0) noexcept {
  child_pipes passed{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < pipes.size(); ++i)
    if ((wanted & 1U << i) != 0 && pipes[i] >= 0) {
      what.pipes |= 1U << i;
      passed[count++] = pipes[i];
    }
  const int socket = all.polled[static_cast<std::size_t>(channel)].fd;
  const iovec piece{.iov_base = &what, .iov_len = sizeof what};
  int error = send_packet(socket, {&piece, 1}, {passed.data(), count});
  if (error == 0) return sent::whole;
  if (count > 0 && !is_passing(error)) {
    what.pipes = 0;
    error = send_packet(socket, {&piece, 1});
  }
  // A runner that is gone is noticed where requests are read; nobody misses its reports.
  return is_passing(error) ? sent::nothing : sent::without_pipes;
}

void wait_for_room(std::int32_t channel) noexcept {
  all.polled[static_cast<std::size_t>(channel)].events |= POLLOUT;
}

/// Answers a request; what finds no room is kept, and no further request is read until it is told.
void answer(std::int32_t channel, const spawn_report& what) noexcept {
  if (send_report(channel, what) != sent::nothing) return;
  const auto place = static_cast<std::size_t>(channel);
  all.owed[place] = {.is_owed = true, .report = what};
  all.polled[place].events = POLLOUT;
}

/// Passes on the pipes of a child that runs. It has ended when there is none: its end says more.
bool tell_pipes(std::int32_t channel, const spawn_report& what) noexcept {
  for (std::size_t i = 0; i < all.child_limit; ++i) {
    child& c = all.children[i];
    if (c.pid == 0 || c.channel != channel || c.id != what.id) continue;
    const sent how = send_report(channel, what, c.pipes, output_pipe | errors_pipe);
    if (how == sent::whole) close_pipes(c.pipes);
    return how != sent::nothing;
  }
  return true;
}

/// False when there is no room: it stays untold.
bool tell_end(child& c) noexcept {
  const auto wanted = holds_bytes(c.pipes[1]) ? output_pipe | errors_pipe : output_pipe;
  c.is_untold = c.channel >= 0 && send_report(c.channel, c.end, c.pipes, wanted) == sent::nothing;
  if (!c.is_untold) close_pipes(c.pipes);
  return !c.is_untold;
}

/// The channel has room: tells what is kept for it.
void tell_what_is_kept(std::int32_t channel) noexcept {
  const auto place = static_cast<std::size_t>(channel);
  owed_answer& owed = all.owed[place];
  if (owed.is_owed) {
    owed.is_owed = owed.report.kind == spawn_report_kind::pipes
                       ? !tell_pipes(channel, owed.report)
                       : send_report(channel, owed.report) == sent::nothing;
    if (owed.is_owed) return;
  }
  all.polled[place].events = POLLIN;
  for (std::size_t i = 0; i < all.child_limit; ++i) {
    child& c = all.children[i];
    if (!c.is_untold || c.channel != channel || tell_end(c)) continue;
    wait_for_room(channel);
    return;
  }
}

child* free_place() noexcept {
  for (std::size_t i = 0; i < all.children.size(); ++i)
    if (all.children[i].is_free()) {
      all.child_limit = std::max(all.child_limit, i + 1);
      return &all.children[i];
    }
  return nullptr;
}

/// Does the entry's name (up to =) equal that of one of the first `count` variables?
bool is_overridden(const char* inherited, std::size_t count) noexcept {
  const char* equals = std::strchr(inherited, '=');
  const auto length = equals ? static_cast<std::size_t>(equals - inherited) + 1 : 0;
  for (std::size_t i = 0; i < count; ++i)
    if (all.environment[i][0] == inherited[0] &&
        std::strncmp(all.environment[i], inherited, length) == 0)
      return true;
  return false;
}

/// Points `direct`, `arguments` and `environment` into the request's strings; false when they do
/// not fit.
bool read_strings(const spawn_request& header, char* at, char* end) noexcept {
  if (header.arguments == 0 || at == end || end[-1] != 0) return false;
  const auto next = [&] {
    const char* string = at;
    at += std::strlen(at) + 1;
    return string;
  };
  const auto read = [&](std::span<const char*> to, std::size_t count) {
    if (count >= to.size()) return false;
    for (std::size_t i = 0; i < count; ++i) {
      if (at == end) return false;
      to[i] = next();
    }
    to[count] = nullptr;
    return true;
  };
  if (!read(all.direct, header.direct) || !read(all.arguments, header.arguments)) return false;
  std::size_t own = 0;
  while (at != end) {
    if (own == most_child_variables) return false;
    all.environment[own++] = next();
  }
  std::size_t count = own;
  if (header.inherits != 0)
    for (const char* const* v = all.inherited; *v && count < most_child_variables; ++v)
      if (!is_overridden(*v, own)) all.environment[count++] = *v;
  all.environment[count] = nullptr;
  return true;
}

/// Makes the pipes of a child: the reading ends stay here, the writing ends are 1 and 2 of the
/// plan. \return 0, or the errno.
int make_pipes(std::uint32_t wanted, child_pipes& pipes, child_plan& plan) noexcept {
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    int ends[2];
    if ((wanted & 1U << i) == 0) continue;
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
    pipes[i] = ends[0];
    plan.descriptors[1 + i] = ends[1];
  }
  return 0;
}

/// \param passed becomes standard input, unless it is -1
/// \return 0, or the errno.
int run_child(std::int32_t channel, const spawn_request& header, char* at, char* end,
              int passed) noexcept {
  child* place = free_place();
  if (!place) return EAGAIN;
  if (header.has_file != 0 && passed < 0) return EMFILE; // here, where it was to arrive
  if (header.input > static_cast<std::size_t>(end - at)) return EINVAL;
  const char* const input = end - header.input;
  if (!read_strings(header, at, end - header.input)) return E2BIG;
  child_plan plan{.direct = header.direct > 0 ? all.direct.data() : nullptr,
                  .arguments = all.arguments.data(),
                  .environment = all.environment.data(),
                  .descriptors = {passed, -1, -1},
                  .input = header.input > 0 ? input : nullptr,
                  .input_size = header.input,
                  .limits = &all.options->limits,
                  .spawner = all.self};
  child_pipes pipes{-1, -1};
  const int error = make_pipes(header.pipes, pipes, plan);
  const result<pid_t, int> started = error == 0 ? start_child(plan) : fail(int{error});
  for (const int writing : {plan.descriptors[1], plan.descriptors[2]})
    if (writing >= 0) ::close(writing);
  if (!started) {
    close_pipes(pipes);
    return started.error();
  }
  *place = {.pid = *started,
            .id = header.id,
            .channel = channel,
            .pipes = pipes,
            .is_untold = false,
            .end = {}};
  ++all.running;
  return 0;
}

void serve_request(std::int32_t channel, const spawn_request& header, char* at, char* end,
                   int passed) noexcept {
  spawn_report made{.id = header.id,
                    .kind = spawn_report_kind::ended,
                    .pipes = 0,
                    .start_error = 0,
                    .wait_status = 0,
                    .cpu_microseconds = 0};
  switch (header.kind) {
  case spawn_request_kind::run:
    made.start_error = run_child(channel, header, at, end, passed);
    if (made.start_error != 0) answer(channel, made);
    return;
  case spawn_request_kind::ping:
    made.kind = spawn_report_kind::pong;
    answer(channel, made);
    return;
  case spawn_request_kind::pipes:
    made.kind = spawn_report_kind::pipes;
    if (tell_pipes(channel, made)) return;
    all.owed[static_cast<std::size_t>(channel)] = {.is_owed = true, .report = made};
    all.polled[static_cast<std::size_t>(channel)].events = POLLOUT;
    return;
  case spawn_request_kind::signal:
    for (std::size_t i = 0; i < all.child_limit; ++i) {
      const child& c = all.children[i];
      if (c.is_free() || c.channel != channel || c.id != header.id) continue;
      if (c.pid != 0) ::kill(-c.pid, static_cast<int>(header.signal));
      return; // of one that is untold its end is on its way
    }
    answer(channel, made); // the runner believes in a child that is not there
    return;
  }
}

void kill_children_of(std::int32_t channel) noexcept {
  for (std::size_t i = 0; i < all.child_limit; ++i) {
    child& c = all.children[i];
    if (c.channel != channel) continue;
    c.channel = -1;
    if (c.pid != 0) ::kill(-c.pid, SIGKILL);
    if (c.is_untold) tell_end(c); // to nobody: its place is free
  }
}

void serve_channel(std::int32_t channel) noexcept {
  pollfd& socket = all.polled[static_cast<std::size_t>(channel)];
  const auto taken = take_packet(socket.fd, all.request);
  if (!taken) {
    if (is_passing(taken.error())) return;
    kill_children_of(channel);
    ::close(socket.fd);
    socket.fd = -1; // poll skips it
    all.owed[static_cast<std::size_t>(channel)].is_owed = false;
    return;
  }
  spawn_request header{};
  if (taken->size >= sizeof header) {
    std::memcpy(&header, all.request.data(), sizeof header);
    serve_request(channel, header, all.request.data() + sizeof header,
                  all.request.data() + taken->size, taken->descriptors[0]);
  }
  for (const int descriptor : taken->descriptors)
    if (descriptor >= 0) ::close(descriptor);
}

void serve_events(std::int32_t channel) noexcept {
  const short what = all.polled[static_cast<std::size_t>(channel)].revents;
  if ((what & POLLOUT) != 0) tell_what_is_kept(channel);
  if ((what & ~POLLOUT) != 0) serve_channel(channel); // the end of a runner comes unasked
}

void add_channel(int descriptor) noexcept {
  for (std::size_t i = first_channel; i < all.polled.size(); ++i)
    if (all.polled[i].fd < 0) {
      all.polled[i] = {.fd = descriptor, .events = POLLIN, .revents = 0};
      all.poll_limit = std::max(all.poll_limit, i + 1);
      return;
    }
  ::close(descriptor); // its runner sees the end of it
}

/// Takes a new channel; false when the server is gone.
bool serve_control() noexcept {
  char byte = 0;
  const auto taken = take_packet(all.polled[control_place].fd, {&byte, 1});
  if (!taken) return is_passing(taken.error());
  for (const int descriptor : taken->descriptors)
    if (descriptor >= 0) add_channel(descriptor);
  return true;
}

void end_child(child& c, int status, const rusage& used) noexcept {
  const auto whole = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
  const auto fraction = used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  c.end = {.id = c.id,
           .kind = spawn_report_kind::ended,
           .pipes = 0,
           .start_error = 0,
           .wait_status = status,
           .cpu_microseconds =
               static_cast<std::uint64_t>(whole) * 1000000U + static_cast<std::uint64_t>(fraction)};
  c.pid = 0;
  --all.running;
  if (!tell_end(c)) wait_for_room(c.channel);
}

/// Takes every child that has ended. What it left running in its group ends with it.
void reap() noexcept {
  signalfd_siginfo told; // one signal may stand for several children
  static_cast<void>(::read(all.polled[signals_place].fd, &told, sizeof told) > 0);
  while (all.running > 0) {
    siginfo_t info{};
    // Not reaped yet, its number, which is its group's, cannot belong to anybody else.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    ::kill(-info.si_pid, SIGKILL);
    int status = 0;
    rusage used{};
    if (::wait4(info.si_pid, &status, 0, &used) < 0) continue;
    for (std::size_t i = 0; i < all.child_limit; ++i)
      if (all.children[i].pid == info.si_pid) {
        end_child(all.children[i], status, used);
        break;
      }
  }
}

void become(const child_user& user) noexcept {
  if (::getuid() == user.uid && ::geteuid() == user.uid && ::getegid() == user.gid)
    return; // started again by a server that is this user itself now
  // Asked of the kernel: the library would tell its threads of it by signal 33, whose handler is
  // gone.
  if (::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) != 0 ||
      ::syscall(SYS_setgid, user.gid) != 0 || ::syscall(SYS_setuid, user.uid) != 0)
    ::_exit(126); // never run children as somebody else than was asked for
}

/// A descriptor that is readable when a child has ended.
int watch_children() noexcept {
  sigset_t ends_of_children;
  sigemptyset(&ends_of_children);
  sigaddset(&ends_of_children, SIGCHLD);
  return ::signalfd(-1, &ends_of_children, SFD_CLOEXEC | SFD_NONBLOCK);
}

} // namespace

void run_spawner(int control, const spawner_options& options,
                 const char* const* environment) noexcept {
  control = begin_forked("tandem-spawner", control);
  enter_folders(options.root, options.work_folder);
  if (options.user) become(*options.user);

  all.options = &options;
  all.inherited = environment;
  all.self = ::getpid();
  for (pollfd& polled : all.polled) polled = {.fd = -1, .events = POLLIN, .revents = 0};
  all.polled[control_place].fd = control;
  all.polled[signals_place].fd = watch_children();
  if (all.polled[signals_place].fd < 0) ::_exit(125);
  all.poll_limit = first_channel;
  for (child& c : all.children) {
    c.pid = 0;
    c.is_untold = false;
  }
  for (owed_answer& owed : all.owed) owed.is_owed = false;
  all.child_limit = 0;
  all.running = 0;
  for (;;) {
    if (::poll(all.polled.data(), all.poll_limit, -1) <= 0) continue;
    if (all.polled[signals_place].revents != 0) reap();
    for (std::size_t i = first_channel; i < all.poll_limit; ++i)
      if (all.polled[i].fd >= 0) serve_events(static_cast<std::int32_t>(i));
    if (all.polled[control_place].revents != 0 && !serve_control()) break;
  }
  for (std::size_t i = 0; i < all.child_limit; ++i)
    if (all.children[i].pid != 0) ::kill(-all.children[i].pid, SIGKILL);
  ::_exit(0);
}

} // namespace tandem::process

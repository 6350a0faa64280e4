// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/spawner_loop.hpp>

#include <tandem/io/spawn_wire.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__clang__)
#define TANDEM_BARE __attribute__((no_sanitize("address", "undefined", "thread"), noinline))
#else
#define TANDEM_BARE                                                                                \
  __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined, noinline))
#endif

// The thread sanitizer puts a wrapper around clone() that runs its own fork handlers on both sides,
// which destroys a parent whose memory the child shares. This is glibc's other name of the same.
#if defined(__SANITIZE_THREAD__)
#define TANDEM_UNWRAPPED_CLONE
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TANDEM_UNWRAPPED_CLONE
#endif
#endif
#ifdef TANDEM_UNWRAPPED_CLONE
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
#endif

namespace tandem::io {

namespace {

#ifdef TANDEM_UNWRAPPED_CLONE
constexpr auto borrow_memory = ::__clone;
#else
constexpr auto borrow_memory = ::clone;
#endif

constexpr std::size_t most_channels = 256;
constexpr std::size_t child_stack_size = std::size_t{64} * 1024;

struct child {
  pid_t pid; ///< 0: free
  std::uint64_t id;
  std::int32_t channel; ///< -1: its runner is gone, nobody wants a report
};

/// Everything the loop needs, in zero pages that cost nothing until used.
struct memory {
  std::array<pollfd, 1 + most_channels> sockets;
  std::size_t socket_limit; ///< one past the last used place in sockets
  std::array<child, most_children> children;
  std::size_t child_limit; ///< one past the last used place in children
  std::array<char, largest_spawn_request> request;
  std::array<const char*, most_child_arguments + 1> arguments;
  std::array<const char*, most_child_variables + 1> environment;
  alignas(64) std::array<char, child_stack_size> stack;
};
memory all; // NOLINT: the forked process is a program of its own and this is its heap

struct launch {
  const spawner_options* options;
  const char* const* arguments;
  const char* const* environment;
  std::array<int, 3> descriptors;
  pid_t parent;
  volatile int error;
};

extern "C" void on_child_signal(int) {} // only interrupts ppoll

TANDEM_BARE void limit(int resource, std::uint64_t value) noexcept {
  if (value == 0) return;
  const rlimit both{.rlim_cur = value, .rlim_max = value};
  ::syscall(SYS_prlimit64, 0, resource, &both, nullptr);
}

/// Tries one path; returns only when it could not be run.
TANDEM_BARE int try_execute(const char* path, const launch& job) noexcept {
  ::syscall(SYS_execve, path, job.arguments, job.environment);
  return errno;
}

/// execvp's search, in the child's own PATH.
TANDEM_BARE int execute(const launch& job) noexcept {
  const char* name = job.arguments[0];
  std::size_t length = 0;
  bool has_slash = false;
  for (; name[length] != 0; ++length) has_slash = has_slash || name[length] == '/';
  if (has_slash) return try_execute(name, job);
  const char* at = "/usr/local/bin:/usr/bin:/bin";
  for (const char* const* v = job.environment; *v; ++v)
    if ((*v)[0] == 'P' && (*v)[1] == 'A' && (*v)[2] == 'T' && (*v)[3] == 'H' && (*v)[4] == '=')
      at = *v + 5;
  char path[4096];
  int error = ENOENT;
  while (length > 0) {
    std::size_t size = 0;
    while (at[size] != 0 && at[size] != ':') ++size;
    if (size > 0 &&
        size + length + 2 <= sizeof path) { // an empty entry, the folder we stand in: no
      for (std::size_t i = 0; i < size; ++i) path[i] = at[i];
      path[size] = '/';
      for (std::size_t i = 0; i <= length; ++i) path[size + 1 + i] = name[i];
      const int reason = try_execute(path, job);
      if (reason != ENOENT && reason != ENOTDIR) error = reason;
    }
    if (at[size] == 0) break;
    at += size + 1;
  }
  return error;
}

/// The child between clone and execve, in the memory of its waiting parent.
TANDEM_BARE int begin_child(void* argument) noexcept {
  launch& job = *static_cast<launch*>(argument);
  ::syscall(SYS_setpgid, 0, 0);
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::syscall(SYS_getppid) != job.parent) ::syscall(SYS_exit, 127);
  // All of them are 3 or above (run_spawner saw to that), so none is overwritten before its turn.
  for (int i = 0; i < 3; ++i)
    if (::syscall(SYS_dup3, job.descriptors[static_cast<std::size_t>(i)], i, 0) < 0) {
      job.error = errno;
      ::syscall(SYS_exit, 127);
    }
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  const child_limits& limits = job.options->limits;
  limit(RLIMIT_CPU, limits.cpu_seconds);
  limit(RLIMIT_AS, limits.memory_bytes);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_NOFILE, limits.open_files);
  limit(RLIMIT_NPROC, limits.processes);
  std::uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
  job.error = execute(job);
  ::syscall(SYS_exit, 127);
  return 127;
}

void report(std::int32_t channel, const spawn_report& what) noexcept {
  if (channel < 0) return;
  // A runner reads as many reports as it has children running, so the socket never fills.
  ::send(all.sockets[static_cast<std::size_t>(channel)].fd, &what, sizeof what,
         MSG_NOSIGNAL | MSG_DONTWAIT);
}

child* free_place() noexcept {
  for (std::size_t i = 0; i < all.children.size(); ++i)
    if (all.children[i].pid == 0) {
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
    if (std::strncmp(all.environment[i], inherited, length) == 0) return true;
  return false;
}

/// Points `arguments` and `environment` into the request's strings; false when they do not fit.
bool read_strings(const spawn_request& header, char* at, char* end,
                  const char* const* inherited) noexcept {
  if (header.arguments == 0 || header.arguments > most_child_arguments ||
      header.variables > most_child_variables || at == end || end[-1] != 0)
    return false;
  const auto next = [&]() -> const char* {
    if (at == end) return nullptr;
    const char* string = at;
    at += std::strlen(at) + 1;
    return string;
  };
  for (std::size_t i = 0; i < header.arguments; ++i)
    if (!(all.arguments[i] = next())) return false;
  all.arguments[header.arguments] = nullptr;
  std::size_t count = header.variables;
  for (std::size_t i = 0; i < count; ++i)
    if (!(all.environment[i] = next())) return false;
  if (header.inherits != 0)
    for (; *inherited && count < most_child_variables; ++inherited)
      if (!is_overridden(*inherited, header.variables)) all.environment[count++] = *inherited;
  all.environment[count] = nullptr;
  return true;
}

void run_child(std::int32_t channel, const spawn_request& header, char* at, char* end,
               const std::array<int, 3>& passed, const spawner_options& options,
               const char* const* inherited, int null_device) noexcept {
  spawn_report refused{
      .id = header.id, .start_error = EINVAL, .wait_status = 0, .cpu_microseconds = 0};
  child* place = free_place();
  if (!place) refused.start_error = EAGAIN;
  if (!place || !read_strings(header, at, end, inherited)) return report(channel, refused);

  launch job{.options = &options,
             .arguments = all.arguments.data(),
             .environment = all.environment.data(),
             .descriptors = {null_device, null_device, null_device},
             .parent = ::getpid(),
             .error = 0};
  std::size_t next = 0;
  for (std::size_t i = 0; i < 3; ++i)
    if ((header.descriptors & (1U << i)) != 0 && passed[next] >= 0)
      job.descriptors[i] = passed[next++];

  // vfork's way: the child borrows this memory until it runs its program. All signals wait, so
  // that no handler runs in the child.
  sigset_t every;
  sigset_t before;
  sigfillset(&every);
  pthread_sigmask(SIG_BLOCK, &every, &before);
  const pid_t pid = borrow_memory(begin_child, all.stack.data() + all.stack.size(),
                                  CLONE_VM | CLONE_VFORK | SIGCHLD, &job);
  const int error = pid < 0 ? errno : job.error;
  if (pid > 0 && error != 0) ::waitpid(pid, nullptr, 0);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    refused.start_error = error;
    return report(channel, refused);
  }
  *place = {.pid = pid, .id = header.id, .channel = channel};
}

void signal_child(std::int32_t channel, const spawn_request& header) noexcept {
  for (std::size_t i = 0; i < all.child_limit; ++i) {
    const child& c = all.children[i];
    if (c.pid != 0 && c.channel == channel && c.id == header.id)
      ::kill(-c.pid, static_cast<int>(header.signal));
  }
}

/// Takes one packet; false when the peer is gone.
bool take_packet(int socket, std::size_t& size, std::array<int, 3>& passed) noexcept {
  iovec text{.iov_base = all.request.data(), .iov_len = all.request.size()};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(3 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  size = 0;
  passed.fill(-1);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  for (cmsghdr* h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h))
    if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
      std::memcpy(passed.data(), CMSG_DATA(h),
                  std::min<std::size_t>(h->cmsg_len - CMSG_LEN(0), sizeof passed));
  size = static_cast<std::size_t>(got);
  return true;
}

void kill_children_of(std::int32_t channel) noexcept {
  for (std::size_t i = 0; i < all.child_limit; ++i) {
    child& c = all.children[i];
    if (c.pid == 0 || c.channel != channel) continue;
    ::kill(-c.pid, SIGKILL);
    c.channel = -1;
  }
}

void serve_channel(std::int32_t channel, const spawner_options& options,
                   const char* const* inherited, int null_device) noexcept {
  pollfd& socket = all.sockets[static_cast<std::size_t>(channel)];
  std::size_t size = 0;
  std::array<int, 3> passed{};
  if (!take_packet(socket.fd, size, passed)) {
    kill_children_of(channel);
    ::close(socket.fd);
    socket.fd = -1; // poll skips it
    return;
  }
  spawn_request header{};
  if (size >= sizeof header) {
    std::memcpy(&header, all.request.data(), sizeof header);
    if (header.kind == spawn_request_kind::signal)
      signal_child(channel, header);
    else
      run_child(channel, header, all.request.data() + sizeof header, all.request.data() + size,
                passed, options, inherited, null_device);
  }
  for (const int descriptor : passed)
    if (descriptor >= 0) ::close(descriptor);
}

void take_channel(int descriptor) noexcept {
  for (std::size_t i = 1; i < all.sockets.size(); ++i)
    if (all.sockets[i].fd < 0) {
      all.sockets[i] = {.fd = descriptor, .events = POLLIN, .revents = 0};
      all.socket_limit = std::max(all.socket_limit, i + 1);
      return;
    }
  ::close(descriptor); // its runner sees the end of it
}

/// Takes every child that has ended. What it left running in its group ends with it.
void reap() noexcept {
  for (;;) {
    siginfo_t info{};
    // Not reaped yet, its number, which is its group's, cannot belong to anybody else.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    ::kill(-info.si_pid, SIGKILL);
    int status = 0;
    rusage used{};
    if (::wait4(info.si_pid, &status, 0, &used) < 0) continue;
    for (std::size_t i = 0; i < all.child_limit; ++i) {
      child& c = all.children[i];
      if (c.pid != info.si_pid) continue;
      const auto seconds_of = used.ru_utime.tv_sec + used.ru_stime.tv_sec;
      const auto fraction = used.ru_utime.tv_usec + used.ru_stime.tv_usec;
      report(c.channel, {.id = c.id,
                         .start_error = 0,
                         .wait_status = status,
                         .cpu_microseconds = static_cast<std::uint64_t>(seconds_of) * 1000000U +
                                             static_cast<std::uint64_t>(fraction)});
      c.pid = 0;
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

/// A copy of a descriptor at 10 or above, out of the way of 0 to 2; -1 stays -1.
int move_up(int descriptor) noexcept { return ::fcntl(descriptor, F_DUPFD_CLOEXEC, 10); }

} // namespace

void run_spawner(int control, const spawner_options& options,
                 const char* const* environment) noexcept {
  sigset_t every;
  sigfillset(&every);
  pthread_sigmask(SIG_SETMASK, &every, nullptr);
  // Asked of the kernel, since the library keeps 32 and 33 for itself and a parent may have them
  // ignored; the zeroes of the kernel's structure are the default action.
  constexpr std::array<unsigned long, 4> by_default{};
  for (int number = 1; number < NSIG; ++number)
    ::syscall(SYS_rt_sigaction, number, by_default.data(), nullptr, sizeof(std::uint64_t));
  ::prctl(PR_SET_NAME, "tandem-spawner", 0, 0, 0);
  ::setsid(); // Ctrl-C on the server's terminal is the server's alone

  control = move_up(control);
  const int null_device = move_up(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (control < 0 || null_device < 0) ::_exit(125);
  for (int i = 0; i < 3; ++i) ::dup2(null_device, i);
  const auto low = static_cast<unsigned>(std::min(control, null_device));
  const auto high = static_cast<unsigned>(std::max(control, null_device));
  ::syscall(SYS_close_range, 3U, low - 1, 0U);
  if (high > low + 1) ::syscall(SYS_close_range, low + 1, high - 1, 0U);
  ::syscall(SYS_close_range, high + 1, ~0U, 0U);

  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (!options.root.empty() && (::chroot(options.root.c_str()) != 0 || ::chdir("/") != 0))
    ::_exit(126);
  if (!options.work_folder.empty() && ::chdir(options.work_folder.c_str()) != 0) ::_exit(126);
  if (options.user) become(*options.user);

  struct sigaction action {};
  action.sa_handler = on_child_signal;
  ::sigaction(SIGCHLD, &action, nullptr);
  // Only ppoll lets SIGCHLD and the deadly signals in, so that no end of a child is missed.
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
  sigset_t open;
  sigemptyset(&open);

  for (pollfd& socket : all.sockets) socket = {.fd = -1, .events = POLLIN, .revents = 0};
  for (child& c : all.children) c.pid = 0;
  all.child_limit = 0;
  all.sockets[0].fd = control;
  all.socket_limit = 1;
  for (unsigned turn = 1;; ++turn) {
    const int ready = ::ppoll(all.sockets.data(), all.socket_limit, nullptr, &open);
    // A signal does not interrupt a ppoll that finds requests, so look now and then all the same.
    if (ready < 0 || turn % 8 == 0) reap();
    if (ready <= 0) continue;
    for (std::size_t i = 1; i < all.socket_limit; ++i)
      if (all.sockets[i].fd >= 0 && all.sockets[i].revents != 0)
        serve_channel(static_cast<std::int32_t>(i), options, environment, null_device);
    if (all.sockets[0].revents == 0) continue;
    std::size_t size = 0;
    std::array<int, 3> passed{};
    if (!take_packet(control, size, passed)) break;
    for (const int descriptor : passed)
      if (descriptor >= 0) take_channel(descriptor);
  }
  for (std::size_t i = 0; i < all.child_limit; ++i)
    if (all.children[i].pid != 0) ::kill(-all.children[i].pid, SIGKILL);
  ::_exit(0);
}

} // namespace tandem::io

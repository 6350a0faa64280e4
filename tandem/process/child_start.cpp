// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/child_start.hpp>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

namespace tandem::process {

namespace {

#ifdef TANDEM_UNWRAPPED_CLONE
constexpr auto borrow_memory = ::__clone;
#else
constexpr auto borrow_memory = ::clone;
#endif

constexpr std::size_t stack_size = std::size_t{64} * 1024;
alignas(64) std::array<char, stack_size> stack; // of the one child that has not got its own yet

struct launch {
  const child_plan* plan;
  volatile int error;
};

TANDEM_BARE void limit(int resource, std::uint64_t value) noexcept {
  if (value == 0) return;
  const rlimit both{.rlim_cur = value, .rlim_max = value};
  ::syscall(SYS_prlimit64, 0, resource, &both, nullptr);
}

/// Tries one path with the plan's own arguments; returns only when it could not be run.
TANDEM_BARE int try_execute(const char* path, const child_plan& plan) noexcept {
  ::syscall(SYS_execve, path, plan.arguments, plan.environment);
  return errno;
}

/// execvp's search, in the child's own PATH.
TANDEM_BARE int execute(const child_plan& plan) noexcept {
  const char* name = plan.arguments[0];
  std::size_t length = 0;
  bool has_slash = false;
  for (; name[length] != 0; ++length) has_slash = has_slash || name[length] == '/';
  if (has_slash) return try_execute(name, plan);
  const char* at = "/usr/local/bin:/usr/bin:/bin";
  for (const char* const* v = plan.environment; *v; ++v)
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
      const int reason = try_execute(path, plan);
      if (reason != ENOENT && reason != ENOTDIR) error = reason;
    }
    if (at[size] == 0) break;
    at += size + 1;
  }
  return error;
}

/// Puts a file with the input in it at descriptor 0; false, with errno, when the kernel has none.
TANDEM_BARE bool open_input(const child_plan& plan) noexcept {
  const auto file = static_cast<int>(::syscall(SYS_memfd_create, "stdin", MFD_CLOEXEC));
  if (file < 0) return false;
  for (std::size_t written = 0; written < plan.input_size;) {
    const long n = ::syscall(SYS_pwrite64, file, plan.input + written, plan.input_size - written,
                             static_cast<off_t>(written));
    if (n <= 0) return false;
    written += static_cast<std::size_t>(n);
  }
  return ::syscall(SYS_dup3, file, 0, 0) == 0;
}

/// Returns only when something fails, with its errno.
TANDEM_BARE int carry_out(const child_plan& plan) noexcept {
  ::syscall(SYS_setpgid, 0, 0);
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::syscall(SYS_getppid) != plan.spawner) return ESRCH;
  // What is /dev/null stays as the spawner has it; the rest is 3 or above, so that none is
  // overwritten before its turn.
  for (int i = 0; i < 3; ++i)
    if (const int fd = plan.descriptors[static_cast<std::size_t>(i)]; fd >= 0)
      if (::syscall(SYS_dup3, fd, i, 0) < 0) return errno;
  if (plan.input && !open_input(plan)) return errno;
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  const child_limits& limits = *plan.limits;
  limit(RLIMIT_CPU, limits.cpu_seconds);
  limit(RLIMIT_AS, limits.memory_bytes);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_NOFILE, limits.open_files);
  limit(RLIMIT_NPROC, limits.processes);
  // The system call answers 20 less the niceness of the caller: 1 to 40.
  if (limits.niceness > 0)
    ::syscall(SYS_setpriority, PRIO_PROCESS, 0,
              20 - ::syscall(SYS_getpriority, PRIO_PROCESS, 0) + limits.niceness);
  const std::uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
  if (plan.direct) ::syscall(SYS_execve, plan.direct[0], plan.direct, plan.environment);
  return execute(plan);
}

/// The child, in the memory of its waiting parent until it runs its program.
TANDEM_BARE int begin_child(void* argument) noexcept {
  auto& job = *static_cast<launch*>(argument);
  job.error = carry_out(*job.plan);
  ::syscall(SYS_exit, 127);
  return 127;
}

} // namespace

result<pid_t, int> start_child(const child_plan& plan) noexcept {
  launch job{.plan = &plan, .error = 0};
  // vfork's way: the child borrows this memory. No handler of a signal can run in it.
  const pid_t pid = borrow_memory(begin_child, stack.data() + stack.size(),
                                  CLONE_VM | CLONE_VFORK | SIGCHLD, &job);
  if (pid < 0) return fail(int{errno});
  if (job.error == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  return fail(int{job.error});
}

} // namespace tandem::process

// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/forked_process.hpp>

#include <tandem/io/unique_fd.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tandem::process {

namespace {

/// A copy of a descriptor at 10 or above, out of the way of 0 to 2; -1 stays -1.
int move_up(int descriptor) noexcept { return ::fcntl(descriptor, F_DUPFD_CLOEXEC, 10); }

/// Leaves nothing of the server's open: /dev/null at 0 to 2, and `kept`, which is above.
void close_others(unsigned kept) noexcept {
  const int null_device = move_up(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null_device < 0) ::_exit(125);
  for (int i = 0; i < 3; ++i) ::dup2(null_device, i);
  ::syscall(SYS_close_range, 3U, kept - 1, 0U);
  ::syscall(SYS_close_range, kept + 1, ~0U, 0U);
}

/// Default actions for all signals, and none blocked but SIGCHLD. Without a handler none can run in
/// a child that has this memory still.
void reset_signals() noexcept {
  sigset_t signals;
  sigfillset(&signals);
  pthread_sigmask(SIG_SETMASK, &signals, nullptr); // the server's handlers run here no more
  // Asked of the kernel, since the library keeps 32 and 33 for itself and a parent may have them
  // ignored; the zeroes of the kernel's structure are the default action.
  constexpr std::array<unsigned long, 4> by_default{};
  for (int number = 1; number < NSIG; ++number)
    ::syscall(SYS_rt_sigaction, number, by_default.data(), nullptr, sizeof(std::uint64_t));
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  pthread_sigmask(SIG_SETMASK, &signals, nullptr);
}

} // namespace

int begin_forked(const char* name, int control) noexcept {
  reset_signals();
  ::prctl(PR_SET_NAME, name, 0, 0, 0);
  ::setsid(); // Ctrl-C on the server's terminal is the server's alone
  control = move_up(control);
  if (control < 0) ::_exit(125);
  close_others(static_cast<unsigned>(control));
  const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  return control;
}

void enter_folders(const std::string& root, const std::string& work_folder) noexcept {
  if (!root.empty() && (::chroot(root.c_str()) != 0 || ::chdir("/") != 0)) ::_exit(126);
  if (!work_folder.empty() && ::chdir(work_folder.c_str()) != 0) ::_exit(126);
}

bool ends_within(pid_t child, duration time) noexcept {
  const io::unique_fd ending{static_cast<int>(::syscall(SYS_pidfd_open, child, 0U))};
  pollfd watched{.fd = ending.get(), .events = POLLIN, .revents = 0};
  const auto wait = static_cast<int>(std::chrono::ceil<milliseconds>(time).count());
  if (ending && ::waitpid(child, nullptr, WNOHANG) == 0)
    static_cast<void>(::poll(&watched, 1, wait));
  return ::waitpid(child, nullptr, WNOHANG) != 0;
}

} // namespace tandem::process

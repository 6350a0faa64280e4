// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/spawner.hpp>

#include <tandem/base/clock.hpp>
#include <tandem/base/log.hpp>
#include <tandem/io/unique_fd.hpp>
#include <tandem/process/packet.hpp>
#include <tandem/process/spawner_loop.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <grp.h>
#include <mutex>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace tandem::process {

std::optional<child_user> find_user(const std::string& name) {
  std::vector<char> memory(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found) != 0 || !found)
    return std::nullopt;
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(name.c_str(), entry.pw_gid, groups.data(), &count) < 0) return std::nullopt;
  }
  groups.resize(static_cast<std::size_t>(count));
  return child_user{.uid = entry.pw_uid, .gid = entry.pw_gid, .groups = std::move(groups)};
}

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** at = environ; at && *at; ++at) all.emplace_back(*at);
  return all;
}

struct spawner::state {
  explicit state(spawner_options given) : options{std::move(given)} {
    for (const std::string& variable : options.environment) environment.push_back(variable.c_str());
    environment.push_back(nullptr);
  }

  /// Forks the process; 0, or the errno.
  int start() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
    const pid_t child = ::fork();
    if (child == 0) run_spawner(pair[1], options, environment.data());
    const int error = child < 0 ? errno : 0;
    ::close(pair[1]);
    if (error != 0) {
      ::close(pair[0]);
      return error;
    }
    // Should another one be needed, this process has its root and folder already and passes them
    // on.
    options.root.clear();
    options.work_folder.clear();
    control = pair[0];
    process = child;
    started = now();
    return 0;
  }

  void stop() noexcept {
    if (control >= 0) ::close(control);
    control = -1;
    if (process <= 0) return;
    // It ends at once when its control socket does, unless something has stopped it.
    ::kill(process, SIGCONT);
    if (!ends_within(seconds{1})) kill_now();
    process = -1;
  }

  /// Without its control socket nobody can ask for it any more; its children die with it.
  void kill_now() noexcept {
    if (::kill(process, SIGKILL) != 0)
      log_error("the process that starts children (pid {}) cannot be killed: {}", process,
                std::strerror(errno));
    else if (!ends_within(seconds{1}))
      log_error("the process that starts children (pid {}) does not end", process);
  }

  /// Takes its end; false when it has not ended after that time.
  [[nodiscard]] bool ends_within(duration time) const noexcept {
    const io::unique_fd ending{static_cast<int>(::syscall(SYS_pidfd_open, process, 0U))};
    pollfd watched{.fd = ending.get(), .events = POLLIN, .revents = 0};
    const auto wait = static_cast<int>(std::chrono::ceil<milliseconds>(time).count());
    if (ending && ::waitpid(process, nullptr, WNOHANG) == 0)
      static_cast<void>(::poll(&watched, 1, wait));
    return ::waitpid(process, nullptr, WNOHANG) != 0;
  }

  /// Hands one end of a channel to the process; 0, or the errno.
  [[nodiscard]] int pass(int descriptor) const noexcept {
    char byte = 'c';
    const iovec piece{.iov_base = &byte, .iov_len = 1};
    return send_packet(control, {&piece, 1}, {&descriptor, 1});
  }

  spawner_options options;
  std::vector<const char*> environment;
  std::mutex mutex; ///< guards what follows
  int control = -1;
  pid_t process = -1;
  instant started{};
};

spawner::spawner(spawner_options options) : state_{std::make_unique<state>(std::move(options))} {
  if (const int error = state_->start(); error != 0)
    throw std::system_error(error, std::generic_category(), "cannot start the spawner process");
}

spawner::~spawner() { state_->stop(); }

const std::optional<child_user>& spawner::user() const noexcept { return state_->options.user; }

pid_t spawner::pid() const {
  const std::lock_guard lock{state_->mutex};
  return state_->process;
}

void spawner::wake() noexcept {
  const std::lock_guard lock{state_->mutex};
  if (state_->process > 0) ::kill(state_->process, SIGCONT);
}

void spawner::replace(pid_t silent) noexcept {
  const std::lock_guard lock{state_->mutex};
  if (state_->process != silent || state_->control < 0) return;
  log_error("the process that starts children (pid {}) does not answer; it is replaced", silent);
  ::close(std::exchange(state_->control, -1));
  state_->kill_now();
  state_->process = -1;
}

result<spawner_channel, int> spawner::open_channel() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail(int{errno});
  const std::lock_guard lock{state_->mutex};
  int error = state_->control < 0 ? EPIPE : state_->pass(pair[1]);
  if (error == EPIPE || error == ECONNRESET || error == ENOTCONN) {
    if (now() - state_->started >= seconds{1}) {
      if (state_->process > 0)
        log_error("the process that starts children (pid {}) has died; starting another",
                  state_->process);
      state_->stop();
      error = state_->start();
      if (error == 0) error = state_->pass(pair[1]);
    } else {
      error = EAGAIN;
    }
  }
  ::close(pair[1]);
  if (error == 0) return spawner_channel{.descriptor = pair[0], .process = state_->process};
  ::close(pair[0]);
  return fail(int{error});
}

} // namespace tandem::process

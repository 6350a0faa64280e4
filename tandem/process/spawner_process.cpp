// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/spawner_process.hpp>

#include <tandem/process/forked_process.hpp>
#include <tandem/process/packet.hpp>
#include <tandem/process/spawner_loop.hpp>

#include <cerrno>
#include <csignal>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace tandem::process {

namespace {

int pass_to(int control, int descriptor) noexcept {
  if (control < 0) return EPIPE;
  char byte = 'c';
  const iovec piece{.iov_base = &byte, .iov_len = 1};
  return send_packet(control, {&piece, 1}, {&descriptor, 1});
}

} // namespace

int spawner_process::start() noexcept {
  started_ = now();
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return errno;
  const pid_t child = ::fork();
  if (child == 0) run_spawner(pair[1], options_, environment_);
  const int error = child < 0 ? errno : 0;
  ::close(pair[1]);
  if (error != 0) {
    ::close(pair[0]);
    return error;
  }
  options_.root.clear();
  options_.work_folder.clear();
  control_ = pair[0];
  pid_ = child;
  return 0;
}

int spawner_process::pass(int descriptor, std::uint64_t number) noexcept {
  const int error = pass_to(control_, descriptor);
  if (error != EPIPE && error != ECONNRESET && error != ENOTCONN) return error;
  if (now() - started_ < seconds{1}) return EAGAIN;
  stop();
  if (const int failed = start(); failed != 0) return failed;
  first_ = number;
  return pass_to(control_, descriptor);
}

void spawner_process::wake() const noexcept {
  if (pid_ > 0) ::kill(pid_, SIGCONT);
}

int spawner_process::replace(std::uint64_t number) noexcept {
  if (number < first_ || control_ < 0) return 0;
  ::close(std::exchange(control_, -1));
  return kill_now();
}

void spawner_process::stop() noexcept {
  if (control_ >= 0) ::close(std::exchange(control_, -1));
  if (pid_ <= 0) return;
  // It ends at once when its control socket does, unless something has stopped it.
  wake();
  if (ends_within(pid_, seconds{1}))
    pid_ = -1;
  else
    kill_now();
}

/// Without its control socket nobody can ask for it any more; its children die with it.
int spawner_process::kill_now() noexcept {
  if (pid_ <= 0) return 0;
  const pid_t old = std::exchange(pid_, -1);
  if (::kill(old, SIGKILL) != 0) return errno;
  return ends_within(old, seconds{1}) ? 0 : ETIMEDOUT;
}

} // namespace tandem::process

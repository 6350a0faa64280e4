// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/signals.hpp>

#include <cerrno>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <system_error>

namespace tandem::io {

signal_watch::signal_watch(shard& loop, std::initializer_list<int> signals,
                           std::function<void(int)> on_signal)
    : loop_{loop}, on_signal_{std::move(on_signal)} {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : signals) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  fd_ = unique_fd{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd_ || !loop_.watch(fd_.get(), *this, EPOLLIN))
    throw std::system_error{errno, std::generic_category(), "signalfd"};
}

signal_watch::~signal_watch() { loop_.unwatch(fd_.get(), *this); }

void signal_watch::on_ready(std::uint32_t) {
  signalfd_siginfo info;
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    on_signal_(static_cast<int>(info.ssi_signo));
}

} // namespace tandem::io

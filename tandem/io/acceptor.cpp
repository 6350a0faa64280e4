// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/acceptor.hpp>

#include <tandem/base/log.hpp>

#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <utility>

namespace tandem::io {

namespace {

constexpr int accepts_per_turn = 64;
/// How long to leave the queue alone when the process has no descriptors left.
constexpr duration pause = milliseconds{100};
/// The lack of descriptors is told so often.
constexpr duration complaint_pause = seconds{60};

} // namespace

acceptor::acceptor(shard& loop, unique_fd listening, std::string name, handler on_accept)
    : loop_{loop}, fd_{std::move(listening)}, name_{std::move(name)}, on_accept_{
                                                                          std::move(on_accept)} {}

acceptor::~acceptor() { stop(); }

bool acceptor::start() { return loop_.watch(fd_.get(), *this, EPOLLIN); }

void acceptor::stop() noexcept {
  cancel();
  if (fd_) loop_.unwatch(fd_.get(), *this);
  fd_.reset();
}

void acceptor::on_ready(std::uint32_t) {
  for (int i = 0; fd_ && i < accepts_per_turn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    unique_fd connection{::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (connection) {
      on_accept_(std::move(connection), address);
      continue;
    }
    if (errno == EAGAIN) return;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (loop_.now() >= next_complaint_) {
        next_complaint_ = loop_.now() + complaint_pause;
        log_error("cannot accept connections at {}: {}; raise the limit of open files", name_,
                  std::strerror(errno));
      }
      loop_.rewatch(fd_.get(), *this, 0);
      loop_.timers().arm(*this, loop_.now() + pause);
      return;
    }
    // Anything else concerns the one connection, which is gone.
  }
}

void acceptor::on_timer(instant) { loop_.rewatch(fd_.get(), *this, EPOLLIN); }

} // namespace tandem::io

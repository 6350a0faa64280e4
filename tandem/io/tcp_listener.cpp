// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/tcp_listener.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/bind_failure.hpp>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace tandem::io {

namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_turn = 64;
/// How long to leave the queue alone when the process has no descriptors left.
constexpr duration pause = milliseconds{100};
/// The lack of descriptors is told so often.
constexpr duration complaint_pause = seconds{60};

} // namespace

result<std::unique_ptr<tcp_listener>, std::string> tcp_listener::listen(shard& home,
                                                                        const socket_address& at,
                                                                        accept_handler on_accept,
                                                                        port_use use) {
  sockaddr_storage address{};
  const unsigned size = at.to_sockaddr(address);
  const auto refuse = [&](const char* what) { return fail(bind_failure(what, at, errno)); };
  unique_fd fd{::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return refuse("make a socket for");
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (use == port_use::shared) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (at.ip.is_v6()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return refuse("bind to");
  if (::listen(fd.get(), backlog) != 0) return refuse("listen at");
  socklen_t length = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  const auto bound = socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
  std::unique_ptr<tcp_listener> made{
      new tcp_listener{home, std::move(fd), bound, std::move(on_accept)}};
  if (!home.watch(made->fd_.get(), *made, EPOLLIN)) return refuse("watch");
  return made;
}

tcp_listener::tcp_listener(shard& home, unique_fd fd, const socket_address& at,
                           accept_handler on_accept)
    : home_{home}, fd_{std::move(fd)}, address_{at}, on_accept_{std::move(on_accept)} {}

tcp_listener::~tcp_listener() { stop(); }

void tcp_listener::stop() noexcept {
  cancel();
  if (fd_) home_.unwatch(fd_.get(), *this);
  fd_.reset();
}

void tcp_listener::on_ready(std::uint32_t) {
  for (int i = 0; fd_ && i < accepts_per_turn; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    unique_fd connection{::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (connection) {
      on_accept_(std::move(connection),
                 socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address)));
      continue;
    }
    if (errno == EAGAIN) return;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (home_.now() >= next_complaint_) {
        next_complaint_ = home_.now() + complaint_pause;
        log_error("cannot accept connections at {}: {}; raise the limit of open files",
                  address_.to_string(), std::strerror(errno));
      }
      home_.rewatch(fd_.get(), *this, 0);
      home_.timers().arm(*this, home_.now() + pause);
      return;
    }
    // Anything else concerns the one connection, which is gone.
  }
}

void tcp_listener::on_timer(instant) { home_.rewatch(fd_.get(), *this, EPOLLIN); }

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/tcp_listener.hpp>

#include <tandem/io/bind_failure.hpp>

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <utility>

namespace tandem::io {

namespace {

constexpr int backlog = 4096;

} // namespace

result<std::unique_ptr<tcp_listener>, std::string> tcp_listener::listen(shard& loop,
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
      new tcp_listener{loop, std::move(fd), bound, std::move(on_accept)}};
  if (!made->acceptor_.start()) return refuse("watch");
  return made;
}

tcp_listener::tcp_listener(shard& loop, unique_fd fd, const socket_address& at,
                           accept_handler on_accept)
    : address_{at}, acceptor_{loop, std::move(fd), at.to_string(),
                              [on_accept = std::move(on_accept)](unique_fd connection,
                                                                 const sockaddr_storage& peer) {
                                on_accept(std::move(connection),
                                          socket_address::from_sockaddr(
                                              reinterpret_cast<const sockaddr*>(&peer)));
                              }} {}

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// The options of a datagram socket before its first use.
#include <tandem/io/udp_socket.hpp>

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tandem::io {

namespace {

bool set(int fd, int level, int name, int value) noexcept {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// More than net.core.[rw]mem_max needs the right to force it; the rest takes what it gets.
void set_buffer(int fd, int forced, int plain, int bytes) noexcept {
  if (!set(fd, SOL_SOCKET, forced, bytes)) set(fd, SOL_SOCKET, plain, bytes);
}

bool join(int fd, const ip_address& group) noexcept {
  if (group.is_v4()) {
    ip_mreqn request{};
    std::copy_n(group.bytes().begin(), 4, reinterpret_cast<std::uint8_t*>(&request.imr_multiaddr));
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0;
  }
  ipv6_mreq request{};
  std::copy_n(group.bytes().begin(), 16, request.ipv6mr_multiaddr.s6_addr);
  return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request) == 0;
}

} // namespace

result<unique_fd, int> bind_udp(const socket_address& at, const udp_options& options) {
  const int family = at.ip.is_v6() ? AF_INET6 : AF_INET;
  unique_fd fd{socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail(errno);
  const int s = fd.get();
  // A port that the kernel chooses must be nobody's: a socket that may share one is given ports
  // that others share. So it learns to share only after it has its own.
  const bool shares_from_the_start = options.shares_port && at.port != 0;
  if (shares_from_the_start && !set(s, SOL_SOCKET, SO_REUSEPORT, 1)) return fail(errno);
  set_buffer(s, SO_RCVBUFFORCE, SO_RCVBUF, options.buffer_bytes);
  set_buffer(s, SO_SNDBUFFORCE, SO_SNDBUF, options.buffer_bytes);
  if (family == AF_INET6) {
    // IPv4 has sockets of its own, so that no address is ever a mapped one.
    set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set(s, IPPROTO_IPV6, IPV6_RECVERR, 1);
    if (at.ip.is_any()) set(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  } else {
    set(s, IPPROTO_IP, IP_RECVERR, 1);
    if (at.ip.is_any()) set(s, IPPROTO_IP, IP_PKTINFO, 1);
  }
  sockaddr_storage address{};
  const socklen_t size = at.to_sockaddr(address);
  if (bind(s, reinterpret_cast<const sockaddr*>(&address), size) != 0) return fail(errno);
  if (options.shares_port && at.port == 0 && !set(s, SOL_SOCKET, SO_REUSEPORT, 1))
    return fail(errno);
  for (const ip_address& group : options.groups)
    if (group.is_v6() == at.ip.is_v6() && !join(s, group)) return fail(errno);
  return fd;
}

} // namespace tandem::io

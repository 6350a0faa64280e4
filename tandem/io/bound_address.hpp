// SPDX-License-Identifier: Apache-2.0
// Where a socket is bound. Any thread.
#pragma once

#include <tandem/base/ip_address.hpp>

#include <sys/socket.h>

namespace tandem::io {

/// The local address of a socket; none when it has none. One system call.
[[nodiscard]] inline socket_address bound_address(int fd) noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

} // namespace tandem::io

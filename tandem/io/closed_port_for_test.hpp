// SPDX-License-Identifier: Apache-2.0
// A port of the loopback, for UDP and TCP, that refuses whatever comes. It is held as long as this
// lives, so that nobody else is given it meanwhile: the stream socket never listens, and the
// datagram socket hears only a peer that never speaks.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/io/unique_fd.hpp>

#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>

namespace tandem::io {

class closed_port_for_test {
 public:
  explicit closed_port_for_test(const ip_address& host = ip_address::v4(127, 0, 0, 1)) {
    for (int tries = 0; tries < 100; ++tries) {
      tcp_ = bound(SOCK_STREAM, {host, 0});
      sockaddr_storage given{};
      socklen_t size = sizeof given;
      if (!tcp_ || ::getsockname(tcp_.get(), reinterpret_cast<sockaddr*>(&given), &size) != 0)
        continue;
      address_ = socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&given));
      udp_ = bound(SOCK_DGRAM, address_);
      if (udp_ && is_deaf(udp_.get(), host)) return;
    }
    throw std::runtime_error("no port is free for UDP and TCP");
  }
  [[nodiscard]] const socket_address& address() const noexcept { return address_; }

 private:
  static unique_fd bound(int kind, const socket_address& at) {
    sockaddr_storage address{};
    const socklen_t size = at.to_sockaddr(address);
    unique_fd made{::socket(at.ip.is_v6() ? AF_INET6 : AF_INET, kind | SOCK_CLOEXEC, 0)};
    if (!made || ::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
      return {};
    return made;
  }
  /// Connects it to the discard port, from which nothing comes; this sends nothing.
  static bool is_deaf(int udp, const ip_address& host) {
    sockaddr_storage address{};
    const socklen_t size = socket_address{host, 9}.to_sockaddr(address);
    return ::connect(udp, reinterpret_cast<const sockaddr*>(&address), size) == 0;
  }

  unique_fd tcp_;
  unique_fd udp_;
  socket_address address_;
};

} // namespace tandem::io

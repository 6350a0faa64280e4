// SPDX-License-Identifier: Apache-2.0
// For tests: the other end of a TCP connection, as rude as a peer can be. A blocking socket of the
// loopback.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/io/unique_fd.hpp>

#include <gtest/gtest.h>
#include <string_view>
#include <sys/socket.h>

namespace tandem::io {

class raw_peer_for_test {
 public:
  explicit raw_peer_for_test(const socket_address& to)
      : fd_{::socket(to.ip.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_storage address{};
    const socklen_t size = to.to_sockaddr(address);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  }

  void say(std::string_view bytes) const {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// Says that nothing more will come (FIN), and may still be sent to.
  void finish() const { EXPECT_EQ(::shutdown(fd_.get(), SHUT_WR), 0); }
  /// Ends the connection at once (RST).
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
  }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  unique_fd fd_;
};

} // namespace tandem::io

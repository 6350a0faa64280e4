// SPDX-License-Identifier: Apache-2.0
// For tests: a network of one's own where datagrams are cut into small pieces, so that the kernel
// runs out of room for a large one. Needs root; Linux.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/io/unique_fd.hpp>

#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace tandem::io {

/// While one of these lives, sockets that this thread makes live in a network of their own, whose
/// loopback has an MTU of 1,500 bytes. They stay in it afterwards.
class small_network_for_test {
 public:
  small_network_for_test() : before_{open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)} {
    if (before_.get() < 0 || unshare(CLONE_NEWNET) != 0) return;
    const unique_fd any{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    ifreq lo{};
    std::strcpy(lo.ifr_name, "lo");
    lo.ifr_mtu = 1'500;
    const bool has_mtu = ioctl(any.get(), SIOCSIFMTU, &lo) == 0;
    lo.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
    is_there_ = has_mtu && ioctl(any.get(), SIOCSIFFLAGS, &lo) == 0;
    is_left_ = true;
  }
  small_network_for_test(const small_network_for_test&) = delete;
  small_network_for_test& operator=(const small_network_for_test&) = delete;
  ~small_network_for_test() {
    if (is_left_) setns(before_.get(), CLONE_NEWNET);
  }

  /// It could be made.
  [[nodiscard]] bool is_there() const noexcept { return is_there_; }

  /// Gives the datagram socket of this process that is bound to `at` the smallest send buffer.
  static bool shrink_send_buffer(const socket_address& at) {
    constexpr int most = 1'024;
    for (int fd = 3; fd < most; ++fd) {
      sockaddr_storage bound{};
      socklen_t size = sizeof bound;
      int type = 0;
      socklen_t type_size = sizeof type;
      if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_DGRAM ||
          getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
          socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound)) != at)
        continue;
      const int least = 1;
      return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0;
    }
    return false;
  }

 private:
  unique_fd before_;
  bool is_left_ = false;
  bool is_there_ = false;
};

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/packet.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace tandem::process {

int send_packet(int socket, std::span<const iovec> pieces,
                std::span<const int> descriptors) noexcept {
  alignas(cmsghdr) char ancillary[CMSG_SPACE(most_passed * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  if (!descriptors.empty()) {
    message.msg_control = ancillary;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

result<packet, int> take_packet(int socket, std::span<char> to) noexcept {
  iovec piece{.iov_base = to.data(), .iov_len = to.size()};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(most_passed * sizeof(int))];
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return fail(int{errno});
  if (got == 0) return fail(int{EPIPE}); // nobody sends empty packets
  packet taken{.size = static_cast<std::size_t>(got), .descriptors = {}};
  taken.descriptors.fill(-1);
  for (cmsghdr* h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h))
    if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
      std::memcpy(taken.descriptors.data(), CMSG_DATA(h),
                  std::min<std::size_t>(h->cmsg_len - CMSG_LEN(0), sizeof taken.descriptors));
  return taken;
}

} // namespace tandem::process

// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/write_whole.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <poll.h>
#include <unistd.h>

namespace tandem {

bool write_whole(int fd, std::string_view text) noexcept {
  constexpr std::size_t piece = 4096; // PIPE_BUF: other writers of a pipe do not cut into it
  while (!text.empty()) {
    const ssize_t taken = ::write(fd, text.data(), std::min(text.size(), piece));
    if (taken > 0) {
      text.remove_prefix(static_cast<std::size_t>(taken));
    } else if (taken < 0 && errno == EAGAIN) {
      pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&room, 1, -1);
    } else if (taken == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

} // namespace tandem

// SPDX-License-Identifier: Apache-2.0
// A packet over a SOCK_SEQPACKET pair, and the descriptors that come with it. Takes no memory and
// no lock, so that the spawner process can use it too. Any thread, one at a time for each socket.
#pragma once

#include <tandem/base/result.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <sys/uio.h>

namespace tandem::process {

inline constexpr std::size_t most_passed = 2;

struct packet {
  std::size_t size;
  std::array<int, most_passed> descriptors; ///< -1: none; close-on-exec and the taker's to close
};

/// Sends what the pieces hold, and copies of the descriptors (at most most_passed, each open).
/// Never waits.
/// \return 0, or the errno.
[[nodiscard]] int send_packet(int socket, std::span<const iovec> pieces,
                              std::span<const int> descriptors = {}) noexcept;

/// The next try may go well: there was nothing yet, or no memory now.
[[nodiscard]] constexpr bool is_passing(int error) noexcept {
  return error == EAGAIN || error == EINTR || error == ENOMEM || error == ENOBUFS;
}

/// Takes the next packet, as much of it as fits. Never waits.
/// \return the errno; EPIPE when the peer is gone.
[[nodiscard]] result<packet, int> take_packet(int socket, std::span<char> to) noexcept;

} // namespace tandem::process

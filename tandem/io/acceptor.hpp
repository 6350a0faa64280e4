// SPDX-License-Identifier: Apache-2.0
// Accepts what comes to a listening stream socket, of whatever family. Used on the shard's thread.
#pragma once

#include <tandem/base/timer_wheel.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/unique_fd.hpp>

#include <functional>
#include <string>
#include <sys/socket.h>

namespace tandem::io {

/// While the process has no descriptors left, new connections wait in the kernel; it looks again
/// ten times a second.
class acceptor final : readiness, timer {
 public:
  /// Gets each connection: non-blocking, close-on-exec. It may stop the acceptor, not destroy it.
  using handler = std::function<void(unique_fd connection, const sockaddr_storage& peer)>;

  /// \param listening non-blocking
  /// \param name of the place, for the log
  acceptor(shard& loop, unique_fd listening, std::string name, handler on_accept);
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;
  ~acceptor();

  /// Once. \return false when the kernel refuses to watch the socket: errno says why.
  [[nodiscard]] bool start();

  /// Closes the socket: new connections are refused from now on.
  void stop() noexcept;

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(instant now) override;

  shard& loop_;
  unique_fd fd_;
  std::string name_;
  handler on_accept_;
  instant next_complaint_ = instant::min();
};

} // namespace tandem::io

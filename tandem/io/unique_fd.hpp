// SPDX-License-Identifier: Apache-2.0
// A file descriptor with an owner. Any thread, one at a time.
#pragma once

#include <unistd.h>
#include <utility>

namespace tandem::io {

/// Owns a descriptor, or none (-1), and closes it in the end.
class unique_fd {
 public:
  unique_fd() noexcept = default;
  explicit unique_fd(int fd) noexcept : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  unique_fd& operator=(unique_fd other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Gives the descriptor away.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  void reset() noexcept { *this = unique_fd{}; }

 private:
  int fd_ = -1;
};

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// The address of a socket file, however long its path is: what has no room in sockaddr_un is
// reached through its open folder. Any thread, one at a time.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/io/unique_fd.hpp>

#include <string>
#include <sys/socket.h>
#include <sys/un.h>

namespace tandem::io {

class unix_address {
 public:
  /// \return the address, or why there is none. A relative path begins at the present folder.
  [[nodiscard]] static result<unix_address, std::string> of(const std::string& path);

  [[nodiscard]] const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&address_);
  }
  [[nodiscard]] static constexpr socklen_t size() noexcept { return sizeof(sockaddr_un); }

  /// The open folder of the file, and the file's name in it.
  [[nodiscard]] int folder() const noexcept { return folder_.get(); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  unique_fd folder_;
  std::string name_;
  sockaddr_un address_{};
};

} // namespace tandem::io

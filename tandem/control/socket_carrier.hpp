// SPDX-License-Identifier: Apache-2.0
// The client's end of a control::socket_door: blocks until the answer is there. One thread.
#pragma once

#include <tandem/control/rpc_client.hpp>
#include <tandem/io/unique_fd.hpp>

#include <string>
#include <string_view>

namespace tandem::control {

class socket_carrier final : public rpc_carrier {
 public:
  explicit socket_carrier(std::string path) : path_{std::move(path)} {}

  /// Connects when that is not done yet. One that failed connects again.
  [[nodiscard]] result<std::string, rpc_failure> exchange(std::string request) override;

 private:
  [[nodiscard]] result<void, rpc_failure> connect();
  [[nodiscard]] int send_all(std::string_view text);
  [[nodiscard]] result<std::string, rpc_failure> receive_line();
  [[nodiscard]] result<std::string, rpc_failure> give_up(rpc_failure::kind what, std::string text);

  std::string path_;
  io::unique_fd fd_;
};

} // namespace tandem::control

// SPDX-License-Identifier: Apache-2.0
// A listening TCP socket of one shard: hands on what it accepts. Used on the shard's thread.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/base/result.hpp>
#include <tandem/io/acceptor.hpp>

#include <functional>
#include <memory>
#include <string>

namespace tandem::io {

/// Whether other sockets, those of the other shards, listen at the same address (SO_REUSEPORT). A
/// second server would share it unnoticed too, so the first socket of a process is bound alone.
enum class port_use : std::uint8_t { alone, shared };

class tcp_listener final {
 public:
  /// Gets each connection: non-blocking, close-on-exec. It may stop the listener, not destroy it.
  using accept_handler = std::function<void(unique_fd connection, const socket_address& peer)>;

  /// Binds and listens; port 0 takes a free one, see address(). An IPv6 address takes no IPv4. With
  /// port_use::shared the kernel spreads the connections over the sockets of that address.
  /// \return the listener, or why there is none.
  [[nodiscard]] static result<std::unique_ptr<tcp_listener>, std::string>
  listen(shard& loop, const socket_address& at, accept_handler on_accept,
         port_use use = port_use::alone);

  /// Where it listens, with the port it was given.
  [[nodiscard]] const socket_address& address() const noexcept { return address_; }

  /// Closes the socket: new connections are refused from now on.
  void stop() noexcept { acceptor_.stop(); }

 private:
  tcp_listener(shard& loop, unique_fd fd, const socket_address& at, accept_handler on_accept);

  socket_address address_;
  acceptor acceptor_;
};

} // namespace tandem::io

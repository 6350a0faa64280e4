// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 over a unix stream socket: each line is one text of a client, and each line of the
// answer is one text of ours. Who connects is known by the kernel, so that nobody needs a token.
// The thread of the registry.
#pragma once

#include <tandem/control/command_registry.hpp>
#include <tandem/io/unix_listener.hpp>

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace tandem::control {

/// Who may do what: root and the server's own user everything, a group what it was given, and
/// whoever else may open the file what concerns nobody else.
struct socket_access {
  uid_t own = 0;
  std::optional<gid_t> group = {};
  role group_gives = role::read;

  [[nodiscard]] role role_of(const io::unix_peer& peer) const noexcept;
};

/// A client's requests are answered one after the other, in their order; while one is answered, and
/// until the client has taken the answer, nothing more is read of him.
class socket_door {
 public:
  static constexpr std::size_t longest_request = 262'144;
  static constexpr std::size_t most_clients = 128;
  static constexpr std::size_t most_clients_of_user = 64;
  /// For a client to write a request that it has begun, and to take some of an answer.
  static constexpr duration patience = seconds{30};

  /// \param loop, commands outlive this
  /// \return the open door, or why there is none
  [[nodiscard]] static result<std::unique_ptr<socket_door>, std::string>
  open(io::shard& loop, command_registry& commands, io::placed_file file,
       const socket_access& access);
  socket_door(const socket_door&) = delete;
  socket_door& operator=(const socket_door&) = delete;
  ~socket_door();

  [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }

 private:
  class client;

  socket_door(io::shard& loop, command_registry& commands, const socket_access& access);
  void accept(io::unique_fd connection, const io::unix_peer& peer);
  [[nodiscard]] bool make_room(uid_t user);
  void remove(const client& gone);

  io::shard& loop_;
  command_registry& commands_;
  socket_access access_;
  std::list<std::shared_ptr<client>> clients_;
  std::unique_ptr<io::unix_listener> listener_;
};

} // namespace tandem::control

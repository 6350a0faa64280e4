// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/unix_listener.hpp>

#include <tandem/io/unix_address.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace tandem::io {

namespace {

constexpr int most_waiting = 128;

auto refuse(std::string_view what, const std::string& path) {
  return fail(fmt::format("cannot {} '{}': {}", what, path, std::strerror(errno)));
}

unique_fd make_socket() {
  return unique_fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

/// Two programs that start at once would each take the other's new socket for a stale one. Whoever
/// may read the folder may hold this lock, so nobody waits for it for long. It goes with the
/// folder.
void lock(int folder) {
  for (int i = 0; i < 100 && ::flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; ++i)
    std::this_thread::sleep_for(milliseconds{10});
}

/// Whether a program listens at the socket. One that does not is left over.
bool has_listener(const unix_address& at) {
  const unique_fd probe = make_socket();
  return !probe || ::connect(probe.get(), at.get(), unix_address::size()) == 0 ||
         errno != ECONNREFUSED;
}

/// Removes what a program that has ended has left at that place. \return why it stays
std::string remove_stale(const unix_address& at) {
  struct stat state {};
  if (::fstatat(at.folder(), at.name().c_str(), &state, AT_SYMLINK_NOFOLLOW) != 0)
    return std::strerror(errno);
  if (S_ISLNK(state.st_mode)) return "there is a symbolic link of that name";
  if (!S_ISSOCK(state.st_mode)) return "there is another file of that name, which is not a socket";
  if (has_listener(at)) return "another program listens there: stop it, or choose another path";
  if (::unlinkat(at.folder(), at.name().c_str(), 0) != 0) return std::strerror(errno);
  return {};
}

} // namespace

std::optional<unix_peer> peer_of(int connection) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return std::nullopt;
  unix_peer peer{.pid = who.pid, .uid = who.uid, .groups = {who.gid}};
#ifdef SO_PEERGROUPS
  std::array<gid_t, 256> more{};
  size = sizeof more;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, more.data(), &size) == 0)
    peer.groups.insert(peer.groups.end(), more.begin(), more.begin() + size / sizeof(gid_t));
#endif
  return peer;
}

result<std::unique_ptr<unix_listener>, std::string>
unix_listener::listen(shard& loop, placed_file file, accept_handler on_accept) {
  const auto at = unix_address::of(file.path);
  if (!at) return fail(at.error());
  if (const std::string why = why_unsafe(at->folder(), file); !why.empty())
    return fail(fmt::format("'{}' is not safe there: {}", file.path, why));
  lock(at->folder());
  unique_fd fd = make_socket();
  // The mode of the socket becomes that of its file: of this user alone, until it is handed over.
  if (!fd || ::fchmod(fd.get(), 0600) != 0) return refuse("make a socket for", file.path);
  while (::bind(fd.get(), at->get(), unix_address::size()) != 0) {
    if (errno != EADDRINUSE) return refuse("make the socket", file.path);
    if (const std::string why = remove_stale(*at); !why.empty())
      return fail(fmt::format("cannot make the socket '{}': {}", file.path, why));
  }
  struct stat made {};
  if (const auto why = hand_over(at->folder(), at->name(), S_IFSOCK, file, made)) {
    ::unlinkat(at->folder(), at->name().c_str(), 0);
    return fail(fmt::format("cannot hand over the socket '{}': {}", file.path, *why));
  }
  removal remover{file, made};
  if (::listen(fd.get(), most_waiting) != 0) return refuse("listen at", file.path);
  std::unique_ptr<unix_listener> listener{
      new unix_listener{loop, std::move(fd), std::move(remover), file.path, std::move(on_accept)}};
  if (!listener->acceptor_.start()) return refuse("watch", file.path);
  return listener;
}

unix_listener::unix_listener(shard& loop, unique_fd fd, removal file, const std::string& name,
                             accept_handler on_accept)
    : acceptor_{loop, std::move(fd), name,
                [on_accept = std::move(on_accept)](unique_fd connection, const sockaddr_storage&) {
                  if (const auto peer = peer_of(connection.get()))
                    on_accept(std::move(connection), *peer);
                }},
      file_{std::move(file)} {}

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/socket_carrier.hpp>

#include <tandem/io/unix_address.hpp>

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <vector>

namespace tandem::control {

namespace {

using kind = rpc_failure::kind;

/// Why a socket cannot be reached, and what to do.
rpc_failure why_not(const std::string& path, int error) {
  switch (error) {
  case EACCES:
  case EPERM:
    return {kind::not_allowed,
            fmt::format("'{}': this user may not open the socket; become root or the server's "
                        "user, or a member of the group that its script names in control_group",
                        path)};
  case ENOENT:
  case ECONNREFUSED:
    return {kind::cannot_connect,
            fmt::format("'{}': nobody listens there; does the server run, and is this its "
                        "control_socket?",
                        path)};
  default: break;
  }
  return {kind::cannot_connect, fmt::format("'{}': {}", path, std::strerror(error))};
}

} // namespace

result<void, rpc_failure> socket_carrier::connect() {
  const auto at = io::unix_address::of(path_);
  if (!at)
    return fail(rpc_failure{
        kind::cannot_connect,
        fmt::format("{}; does the server run, and is this its control_socket?", at.error())});
  io::unique_fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const timeval limit{.tv_sec = patience / seconds{1}, .tv_usec = 0};
  if (fd) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); // of connect() too
  }
  if (!fd || ::connect(fd.get(), at->get(), io::unix_address::size()) != 0)
    return fail(why_not(path_, errno));
  fd_ = std::move(fd);
  return {};
}

result<std::string, rpc_failure> socket_carrier::give_up(kind what, std::string text) {
  fd_.reset();
  return fail(rpc_failure{what, fmt::format("'{}': {}", path_, text)});
}

result<std::string, rpc_failure> socket_carrier::exchange(std::string request) {
  const bool was_connected = static_cast<bool>(fd_);
  if (!fd_)
    if (auto made = connect(); !made) return fail(std::move(made.error()));
  request += '\n';
  int error = send_all(request);
  // The server that was connected before has ended; another one may be there by now.
  if (error != 0 && was_connected) {
    if (auto made = connect(); !made) return fail(std::move(made.error()));
    error = send_all(request);
  }
  // A server that takes no request may have said why before it closed its end.
  if (error != 0 && error != EPIPE) return give_up(kind::no_answer, std::strerror(error));
  return receive_line();
}

/// \return errno of what failed; 0 when all was taken
int socket_carrier::send_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return 0;
}

result<std::string, rpc_failure> socket_carrier::receive_line() {
  std::string answer;
  std::vector<char> part(65'536);
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), part.data(), part.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return give_up(kind::no_answer,
                     errno == EAGAIN ? fmt::format("no answer within {} s", patience / seconds{1})
                                     : std::string{std::strerror(errno)});
    if (got == 0) return give_up(kind::no_answer, "the server closed the connection");
    answer.append(part.data(), static_cast<std::size_t>(got));
    if (answer.back() != '\n') continue; // there is one at the end of an answer, and none within
    answer.pop_back();
    return answer;
  }
}

} // namespace tandem::control

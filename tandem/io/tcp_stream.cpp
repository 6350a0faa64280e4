// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/tcp_stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace tandem::io {

namespace {

constexpr std::size_t read_size = 65'536;
constexpr std::size_t pieces = 64;     ///< of one write
constexpr std::size_t moved_queue = 8; ///< that many entries that have left are moved over
/// What a peer gets to read our last words in, and to say that it is done too.
constexpr duration linger_limit = seconds{2};

byte_stream_end end_of(int error) noexcept {
  switch (error) {
  case ECONNREFUSED: return byte_stream_end::refused;
  case ETIMEDOUT: return byte_stream_end::connect_limit;
  case ENETUNREACH:
  case EHOSTUNREACH:
  case EACCES:
  case EPERM:
  case EADDRNOTAVAIL:
  case EAFNOSUPPORT:
  case EINVAL: return byte_stream_end::unreachable;
  default: return byte_stream_end::reset;
  }
}

/// Queues of streams that have nothing to send, for those that have: an idle stream keeps none, and
/// a busy one allocates none.
template <typename Queue>
std::vector<Queue>& spare_queues() {
  thread_local std::vector<Queue> all;
  return all;
}

template <typename Queue>
void take_spare(Queue& queue) {
  auto& spare = spare_queues<Queue>();
  if (spare.empty()) return;
  queue = std::move(spare.back());
  spare.pop_back();
}

template <typename Queue>
void give_back(Queue& queue) {
  constexpr std::size_t most = 64;
  queue.clear();
  auto& spare = spare_queues<Queue>();
  if (spare.size() < most) spare.push_back(std::move(queue));
  queue = {};
}

void set_no_delay(int fd) noexcept {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

} // namespace

socket_address bound_address(int fd) noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

tcp_stream::tcp_stream(shard& home, unique_fd fd, const socket_address& peer,
                       byte_stream_user& user, const tcp_options& options, state first)
    : home_{home}, user_{user}, options_{options}, fd_{std::move(fd)}, state_{first}, peer_{peer},
      active_{home.now()} {}

tcp_stream::~tcp_stream() {
  if (wanted_ != 0) home_.unwatch(fd_.get(), *this);
}

std::unique_ptr<tcp_stream> tcp_stream::accept(shard& home, unique_fd fd,
                                               const socket_address& peer, byte_stream_user& user,
                                               const tcp_options& options) {
  set_no_delay(fd.get());
  std::unique_ptr<tcp_stream> made{
      new tcp_stream{home, std::move(fd), peer, user, options, state::open}};
  if (!home.watch(made->fd_.get(), *made, EPOLLIN)) return nullptr;
  made->wanted_ = EPOLLIN;
  made->local_ = bound_address(made->fd_.get());
  made->arm();
  return made;
}

std::unique_ptr<tcp_stream> tcp_stream::connect(shard& home, const socket_address& to,
                                                const ip_address& from, byte_stream_user& user,
                                                const tcp_options& options) {
  unique_fd fd{
      socket(to.ip.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  std::unique_ptr<tcp_stream> made{
      new tcp_stream{home, std::move(fd), to, user, options, state::connecting}};
  const int s = made->fd_.get();
  int error = s < 0 ? errno : 0;
  if (error == 0 && from) {
    const int on = 1;
    // The port is chosen with the peer in view, so that ports do not run out early.
    setsockopt(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_storage address{};
    const socklen_t size = socket_address{from, 0}.to_sockaddr(address);
    if (bind(s, reinterpret_cast<const sockaddr*>(&address), size) != 0) error = errno;
  }
  if (error == 0) {
    set_no_delay(s);
    sockaddr_storage address{};
    const socklen_t size = to.to_sockaddr(address);
    if (::connect(s, reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
        errno != EINPROGRESS)
      error = errno;
  }
  if (error == 0) {
    if (home.watch(s, *made, EPOLLIN | EPOLLOUT))
      made->wanted_ = EPOLLIN | EPOLLOUT;
    else
      error = errno;
  }
  if (error != 0)
    made->fail_at_turn_end(end_of(error));
  else
    made->arm();
  return made;
}

void tcp_stream::send(block_ref block, std::uint32_t size, send_token token) {
  if (state_ == state::ended) return user_.on_unsent(*this, token, failure_);
  if (queue_.capacity() == 0) take_spare(queue_);
  queue_.push_back({std::move(block), size, token});
  waiting_ += size;
  if (waiting_ > options_.output_bytes && state_ != state::failed)
    return fail_at_turn_end(byte_stream_end::overflow);
  home_.at_turn_end(*this);
}

void tcp_stream::close() {
  if (state_ == state::connecting) return fail_at_turn_end(byte_stream_end::closed_here);
  if (state_ != state::open) return;
  state_ = state::closing;
  home_.at_turn_end(*this);
}

void tcp_stream::await_by(instant deadline) {
  awaited_ = deadline;
  if (deadline != never) arm();
}

void tcp_stream::on_ready(std::uint32_t events) {
  if (state_ == state::connecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return finish(end_of(error));
    return opened();
  }
  if ((events & EPOLLOUT) != 0 && (state_ == state::open || state_ == state::closing)) {
    home_.at_turn_end(*this);
    want(wanted_ & ~static_cast<std::uint32_t>(EPOLLOUT));
  }
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) read();
}

void tcp_stream::opened() {
  state_ = state::open;
  active_ = home_.now();
  local_ = bound_address(fd_.get());
  want(EPOLLIN);
  if (!queue_.empty()) home_.at_turn_end(*this);
  arm();
}

void tcp_stream::read() {
  thread_local const std::unique_ptr<std::array<char, read_size>> shared =
      std::make_unique<std::array<char, read_size>>();
  const ssize_t size = recv(fd_.get(), shared->data(), read_size, 0);
  if (size > 0) {
    active_ = home_.now();
    // What comes after close() is of no interest; it is read so that the peer is not reset.
    if (state_ == state::open)
      user_.on_bytes(*this, {shared->data(), static_cast<std::size_t>(size)});
    return;
  }
  if (size == 0) {
    if (state_ == state::lingering) return finish(byte_stream_end::closed_here);
    // The peer may only have shut its side: what waits for it still leaves, now or never.
    if (first_ < queue_.size() && state_ != state::failed) {
      write();
      if (state_ == state::failed) return finish(failure_);
    }
    return finish(byte_stream_end::closed_by_peer);
  }
  if (errno == EAGAIN || errno == EINTR) return;
  finish(state_ == state::lingering ? byte_stream_end::closed_here : byte_stream_end::reset);
}

void tcp_stream::on_turn_end() {
  if (state_ == state::failed) return finish(failure_);
  if (state_ != state::open && state_ != state::closing) return;
  write();
  if (state_ == state::failed) return finish(failure_);
  if (state_ == state::closing && queue_.empty()) shut();
}

void tcp_stream::write() {
  while (first_ < queue_.size()) {
    std::array<iovec, pieces> vector;
    std::size_t count = 0;
    std::size_t offered = 0;
    std::size_t skip = offset_;
    for (std::size_t i = first_; i < queue_.size() && count < pieces; ++i) {
      vector[count++] = {queue_[i].block.data() + skip, queue_[i].size - skip};
      offered += queue_[i].size - skip;
      skip = 0;
    }
    msghdr header{};
    header.msg_iov = vector.data();
    header.msg_iovlen = count;
    const ssize_t sent = sendmsg(fd_.get(), &header, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      state_ = state::failed;
      failure_ = byte_stream_end::reset;
      return;
    }
    auto left = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    if (left > 0) {
      active_ = home_.now();
      output_since_ = never;
    }
    waiting_ -= left;
    const bool is_all = left == offered;
    while (left > 0) {
      const std::size_t rest = queue_[first_].size - offset_;
      if (left < rest) {
        offset_ += left;
        break;
      }
      left -= rest;
      offset_ = 0;
      queue_[first_++].block = {};
    }
    if (is_all) continue;
    // The peer is slow: the rest goes when it takes more. Meanwhile nothing more is read from who
    // does not read, else its answers would pile up here.
    if (output_since_ == never) output_since_ = home_.now();
    if (first_ > moved_queue) {
      queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    const bool reads = waiting_ < options_.output_bytes / 2;
    want(EPOLLOUT | (reads ? static_cast<std::uint32_t>(EPOLLIN) : 0U));
    arm();
    return;
  }
  first_ = 0;
  waiting_ = 0;
  give_back(queue_);
  want(EPOLLIN);
}

void tcp_stream::shut() {
  state_ = state::lingering;
  shutdown(fd_.get(), SHUT_WR);
  awaited_ = home_.now() + linger_limit;
  arm();
}

void tcp_stream::want(std::uint32_t events) {
  if (events == wanted_ || wanted_ == 0) return;
  // Never zero, which stands for "not watched": errors are told anyhow.
  wanted_ = events != 0 ? events : static_cast<std::uint32_t>(EPOLLRDHUP);
  home_.rewatch(fd_.get(), *this, wanted_);
}

void tcp_stream::fail_at_turn_end(byte_stream_end why) {
  state_ = state::failed;
  failure_ = why;
  home_.at_turn_end(*this);
}

void tcp_stream::finish(byte_stream_end why) {
  if (wanted_ != 0) home_.unwatch(fd_.get(), *this);
  wanted_ = 0;
  fd_.reset();
  state_ = state::ended;
  failure_ = why;
  cancel();
  turn_task::unlink();
  std::vector<outgoing> unsent;
  unsent.swap(queue_);
  for (std::size_t i = first_; i < unsent.size(); ++i) user_.on_unsent(*this, unsent[i].token, why);
  user_.on_end(*this, why);
}

instant tcp_stream::next_deadline() const noexcept {
  if (state_ == state::connecting) return active_ + options_.connect_limit;
  instant next = std::min(awaited_, active_ + options_.idle_limit);
  if (output_since_ != never) next = std::min(next, output_since_ + options_.output_limit);
  return next;
}

void tcp_stream::arm() {
  // A timer that is early looks again when it fires, so that activity costs no arming.
  const instant next = next_deadline();
  if (!is_armed() || next < due()) home_.timers().arm(*this, next);
}

void tcp_stream::on_timer(instant now) {
  if (next_deadline() > now) return arm();
  if (state_ == state::connecting) return finish(byte_stream_end::connect_limit);
  if (state_ == state::lingering) return finish(byte_stream_end::closed_here);
  if (output_since_ != never && output_since_ + options_.output_limit <= now)
    return finish(byte_stream_end::output_limit);
  if (awaited_ <= now) return finish(byte_stream_end::read_limit);
  finish(byte_stream_end::idle);
}

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace tandem::io {

namespace {

constexpr std::size_t read_size = std::size_t{64} * 1024;
/// How often a stream reads before others have their turn.
constexpr int reads_per_turn = 4;
/// How long a peer may take to close after finish(). Closing at once while it still sends would
/// reset the connection, and take back what it has not read yet.
constexpr duration longest_linger = seconds{2};

using read_bytes = std::array<char, read_size>;

/// One a thread, made when it reads first: as part of the thread itself it would be cleared, and
/// thus take memory, in threads that never read.
thread_local std::unique_ptr<read_bytes> bytes_of_thread;

read_bytes& read_buffer() {
  if (!bytes_of_thread) bytes_of_thread = std::make_unique_for_overwrite<read_bytes>();
  return *bytes_of_thread;
}

void set_option(int fd, int level, int option, int value) noexcept {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

} // namespace

/// Notices the destruction of the stream during calls out of it.
class stream::guard {
 public:
  explicit guard(const stream& of) : alive_{of.alive_} {}
  [[nodiscard]] bool is_gone() const noexcept { return alive_.expired(); }

 private:
  std::weak_ptr<const bool> alive_;
};

stream::stream(shard& home, stream_handler& handler, std::size_t output_limit)
    : home_{home}, handler_{handler}, output_limit_{output_limit} {}

stream::~stream() { close(); }

void stream::connect(const socket_address& to, const tls_context& tls, const std::string& host) {
  close();
  sockaddr_storage address{};
  const unsigned size = to.to_sockaddr(address);
  fd_ = unique_fd{::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  state_ = state::connecting;
  if (!fd_) return end_later(stream_end::refused, std::strerror(errno));
  set_option(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 &&
      errno != EINPROGRESS)
    return end_later(stream_end::refused, std::strerror(errno));
  if (tls) {
    tls_ = make_tls_session(tls, fd_.get());
    if (!tls_ || !expect_tls_host(tls_, host))
      return end_later(stream_end::tls_failed, "'" + host + "' is no name a certificate can hold");
    SSL_set_connect_state(tls_);
  }
  want_events();
}

void stream::accept(unique_fd connection, const tls_context& tls) {
  close();
  fd_ = std::move(connection);
  set_option(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  state_ = state::open;
  if (tls) {
    state_ = state::handshake;
    tls_ = make_tls_session(tls, fd_.get());
    if (!tls_) return end_later(stream_end::tls_failed, "no memory");
    SSL_set_accept_state(tls_);
  }
  want_events();
}

void stream::close() noexcept {
  if (watched_) home_.unwatch(fd_.get(), *this);
  watched_ = false;
  events_ = 0;
  if (tls_) {
    free_tls_session(tls_);
    ERR_clear_error();
  }
  tls_ = nullptr;
  fd_.reset();
  state_ = state::closed;
  output_.clear();
  sent_ = 0;
  total_sent_ = 0;
  reading_ = true;
  peer_finished_ = false;
  tls_wants_write_ = false;
  pending_end_.reset();
  turn_task::unlink();
  timer::cancel();
}

void stream::end(stream_end why, std::string_view detail) {
  const std::string text{detail};
  const auto sent = total_sent_;
  close();
  total_sent_ = sent; // still asked for in on_closed
  handler_.on_closed(why, text);
}

void stream::end_later(stream_end why, std::string detail) {
  if (pending_end_) return;
  pending_end_ = why;
  pending_detail_ = std::move(detail);
  home_.at_turn_end(*this);
}

void stream::want_events() {
  if (!fd_ || state_ == state::closed) return;
  std::uint32_t events = 0;
  if (state_ == state::connecting || tls_wants_write_) events |= EPOLLOUT;
  if (state_ == state::handshake || state_ == state::lingering) events |= EPOLLIN;
  if (state_ == state::open && reading_ && !peer_finished_) events |= EPOLLIN;
  if ((state_ == state::open || state_ == state::finishing) && waiting_output() > 0)
    events |= EPOLLOUT;
  if (watched_ && events == events_) return;
  if (watched_)
    home_.rewatch(fd_.get(), *this, events);
  else
    watched_ = home_.watch(fd_.get(), *this, events);
  events_ = events;
  if (!watched_) end_later(stream_end::lost, "no memory to watch the connection");
}

void stream::on_ready(std::uint32_t events) {
  const guard self{*this};
  if (state_ == state::connecting) finish_connect();
  if (self.is_gone()) return;
  if (state_ == state::handshake) shake_hands();
  if (self.is_gone()) return;
  const bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
  // After its FIN a peer can only reset the connection. Reading would not show it: recv() goes on
  // to return 0.
  if (state_ == state::open && peer_finished_ && is_broken && !pending_end_)
    return end(stream_end::lost, "reset by the peer");
  if ((state_ == state::open || state_ == state::finishing) &&
      ((events & EPOLLOUT) != 0 || is_broken) && waiting_output() > 0) {
    flush();
    if (self.is_gone()) return;
  }
  const bool wants_input = reading_ && !peer_finished_;
  if (state_ == state::open && ((wants_input && (events & EPOLLIN) != 0) || is_broken ||
                                (tls_wants_write_ && (events & EPOLLOUT) != 0)))
    read_all(); // an error shows itself in reading
  if (self.is_gone()) return;
  if (state_ == state::lingering && !pending_end_) discard_input();
  if (self.is_gone()) return;
  if (state_ == state::finishing && is_broken && !pending_end_)
    return end(stream_end::lost, "the peer is gone");
  want_events();
}

void stream::on_turn_end() {
  if (pending_end_) return end(*pending_end_, std::string{pending_detail_});
  // Input that TLS has decrypted already makes no socket ready.
  const guard self{*this};
  if (state_ == state::open && reading_) read_all();
  if (!self.is_gone()) want_events();
}

void stream::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return end(stream_end::refused, std::strerror(error));
  if (tls_)
    state_ = state::handshake;
  else
    come_up();
}

void stream::shake_hands() {
  ERR_clear_error();
  const int done = SSL_do_handshake(tls_);
  if (done == 1) {
    tls_wants_write_ = false;
    return come_up();
  }
  const int reason = SSL_get_error(tls_, done);
  tls_wants_write_ = reason == SSL_ERROR_WANT_WRITE;
  if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return;
  const bool is_cut =
      reason == SSL_ERROR_SYSCALL || reason == SSL_ERROR_ZERO_RETURN || has_unexpected_end(reason);
  end(stream_end::tls_failed, is_cut && SSL_get_verify_result(tls_) == X509_V_OK
                                  ? "the peer closed the connection during the TLS handshake"
                                  : explain_tls_failure(tls_));
}

void stream::come_up() {
  const guard self{*this};
  state_ = state::open;
  handler_.on_connected();
  if (self.is_gone() || state_ != state::open) return;
  flush();
  if (self.is_gone() || state_ != state::open) return;
  if (tls_ && SSL_has_pending(tls_) != 0) home_.at_turn_end(*this);
}

void stream::read_all() {
  if (peer_finished_) return; // its end is told once
  const guard self{*this};
  auto& buffer = read_buffer();
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    ssize_t got = 0;
    if (tls_) {
      ERR_clear_error();
      got = SSL_read(tls_, buffer.data(), static_cast<int>(buffer.size()));
      if (got <= 0) {
        const int reason = SSL_get_error(tls_, static_cast<int>(got));
        tls_wants_write_ = reason == SSL_ERROR_WANT_WRITE;
        if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return;
        if (has_unexpected_end(reason))
          return end(stream_end::cut_off, "closed without the end of TLS");
        if (reason != SSL_ERROR_ZERO_RETURN)
          return end(stream_end::lost,
                     reason == SSL_ERROR_SSL ? explain_tls_failure(tls_) : std::strerror(errno));
        got = 0;
      }
      tls_wants_write_ = false;
    } else {
      got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got < 0) return end(stream_end::lost, std::strerror(errno));
    }
    if (got == 0) {
      peer_finished_ = true;
      const bool is_kept = handler_.on_peer_finished();
      if (!self.is_gone() && state_ == state::open && !is_kept)
        end(stream_end::by_peer, "closed by the peer");
      return;
    }
    handler_.on_data({buffer.data(), static_cast<std::size_t>(got)});
    if (self.is_gone() || state_ != state::open || !reading_) return;
    // Level-triggered: what is left is told again. A TLS record is smaller than the buffer.
    if (!tls_ && static_cast<std::size_t>(got) < buffer.size()) return;
  }
  if (tls_ && SSL_has_pending(tls_) != 0) home_.at_turn_end(*this);
}

std::size_t stream::send_some(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const std::string_view rest = bytes.substr(done);
    ssize_t n = 0;
    if (tls_) {
      ERR_clear_error();
      n = SSL_write(tls_, rest.data(), static_cast<int>(std::min(rest.size(), read_size)));
      if (n <= 0) {
        const int reason = SSL_get_error(tls_, static_cast<int>(n));
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
          end_later(stream_end::lost,
                    reason == SSL_ERROR_SSL ? explain_tls_failure(tls_) : std::strerror(errno));
        break;
      }
    } else {
      n = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) end_later(stream_end::lost, std::strerror(errno));
        break;
      }
    }
    done += static_cast<std::size_t>(n);
  }
  total_sent_ += done;
  return done;
}

void stream::flush() {
  if (pending_end_ || waiting_output() == 0) return;
  sent_ += send_some(std::string_view{output_}.substr(sent_));
  if (waiting_output() > 0) return;
  output_.clear();
  sent_ = 0;
  if (state_ == state::finishing)
    linger();
  else
    handler_.on_drained();
}

void stream::linger() {
  state_ = state::lingering;
  if (tls_) {
    // close_notify (RFC 8446 6.1): the peer knows that nothing was cut off.
    ERR_clear_error();
    SSL_shutdown(tls_);
    ERR_clear_error();
  }
  ::shutdown(fd_.get(), SHUT_WR);
  if (peer_finished_) return end_later(stream_end::finished, {});
  home_.timers().arm(*this, home_.now() + longest_linger);
}

void stream::discard_input() {
  auto& buffer = read_buffer();
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return end(stream_end::finished, {});
  }
}

void stream::on_timer(instant) { end(stream_end::finished, {}); }

void stream::write(std::string_view bytes) {
  if (state_ == state::closed || state_ == state::finishing || pending_end_ || bytes.empty())
    return;
  if (waiting_output() + bytes.size() > output_limit_)
    return end_later(stream_end::overflow, "the peer does not read what it is sent");
  if (state_ == state::open && waiting_output() == 0) bytes.remove_prefix(send_some(bytes));
  if (bytes.empty()) return;
  if (sent_ > output_limit_ / 2) {
    output_.erase(0, sent_);
    sent_ = 0;
  }
  output_.append(bytes);
  want_events();
}

void stream::finish() {
  if (state_ >= state::finishing || state_ == state::closed || pending_end_) return;
  if (state_ != state::open) return end_later(stream_end::finished, {});
  state_ = state::finishing;
  if (waiting_output() == 0) linger();
  want_events();
}

void stream::acknowledge() noexcept {
  if (fd_) set_option(fd_.get(), IPPROTO_TCP, TCP_QUICKACK, 1);
}

void stream::pause_reading() {
  reading_ = false;
  want_events();
}

void stream::resume_reading() {
  reading_ = true;
  if (tls_ && state_ == state::open) home_.at_turn_end(*this);
  want_events();
}

bool stream::is_quiet() const noexcept {
  if (state_ != state::open || peer_finished_ || pending_end_) return false;
  char byte = 0;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

socket_address stream::peer() const noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (!fd_ || ::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return {};
  return socket_address::from_sockaddr(reinterpret_cast<const sockaddr*>(&address));
}

} // namespace tandem::io

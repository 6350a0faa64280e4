// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/channel.hpp>

#include <tandem/io/read_buffer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace tandem::io {

namespace {

/// The most that a record of TLS carries (RFC 8446 5.1). Pieces are put together up to it.
constexpr std::size_t record_size = 16'384;

bool may_go_on(int error) noexcept { return error == EAGAIN || error == EINTR; }

} // namespace

void channel::free_tls::operator()(ssl_st* session) const noexcept {
  free_tls_session(session);
  ERR_clear_error();
}

bool channel::use_tls(const tls_context& context, tls_role role, const std::string& host) {
  tls_.reset(make_tls_session(context, fd_.get()));
  if (!tls_) return false;
  if (role == tls_role::server) {
    SSL_set_accept_state(tls_.get());
    return true;
  }
  SSL_set_connect_state(tls_.get());
  return expect_tls_host(tls_.get(), host);
}

/// What a result of OpenSSL that is not positive means.
channel_state channel::state_of(int result) {
  const int error = errno;
  const int reason = SSL_get_error(tls_.get(), result);
  switch (reason) {
  case SSL_ERROR_WANT_READ: return channel_state::wants_input;
  case SSL_ERROR_WANT_WRITE: return channel_state::wants_room;
  case SSL_ERROR_ZERO_RETURN: return channel_state::ended;
  default: break;
  }
  if (has_unexpected_end(reason)) return channel_state::cut_off;
  problem_ =
      reason == SSL_ERROR_SSL ? explain_tls_failure(tls_.get()) : std::string{std::strerror(error)};
  return channel_state::failed;
}

channel_state channel::shake_hands() {
  if (!tls_) return channel_state::done;
  ERR_clear_error();
  errno = 0;
  const int result = SSL_do_handshake(tls_.get());
  if (result == 1) return channel_state::done;
  const auto state = state_of(result);
  if (state == channel_state::wants_input || state == channel_state::wants_room) return state;
  if (state != channel_state::failed)
    problem_ = "the peer closed the connection during the TLS handshake";
  return channel_state::failed;
}

channel_progress channel::read(std::span<char> to) {
  if (tls_) {
    ERR_clear_error();
    const int n = SSL_read(tls_.get(), to.data(), static_cast<int>(to.size()));
    if (n > 0) return {channel_state::done, static_cast<std::size_t>(n)};
    return {state_of(n)};
  }
  const ssize_t n = ::recv(fd_.get(), to.data(), to.size(), 0);
  if (n > 0) return {channel_state::done, static_cast<std::size_t>(n)};
  if (n == 0) return {channel_state::ended};
  if (may_go_on(errno)) return {channel_state::wants_input};
  problem_ = std::strerror(errno);
  return {channel_state::failed};
}

channel_progress channel::write(std::span<const iovec> pieces) {
  if (tls_) {
    std::array<char, record_size> record;
    std::size_t size = 0;
    for (const iovec& piece : pieces) {
      const std::size_t part = std::min(piece.iov_len, record.size() - size);
      std::memcpy(record.data() + size, piece.iov_base, part);
      size += part;
      if (size == record.size()) break;
    }
    ERR_clear_error();
    // What did not go is the beginning of what is offered next time, as OpenSSL wants it.
    const int n = SSL_write(tls_.get(), record.data(), static_cast<int>(size));
    if (n > 0) return {channel_state::done, static_cast<std::size_t>(n)};
    return {state_of(n)};
  }
  msghdr header{};
  header.msg_iov = const_cast<iovec*>(pieces.data());
  header.msg_iovlen = pieces.size();
  const ssize_t n = ::sendmsg(fd_.get(), &header, MSG_NOSIGNAL);
  if (n >= 0) return {channel_state::done, static_cast<std::size_t>(n)};
  if (may_go_on(errno)) return {channel_state::wants_room};
  problem_ = std::strerror(errno);
  return {channel_state::failed};
}

channel_state channel::shut_down() noexcept {
  if (tls_) {
    ERR_clear_error();
    const int sent = SSL_shutdown(tls_.get());
    const bool is_full = sent < 0 && SSL_get_error(tls_.get(), sent) == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    if (is_full) return channel_state::wants_room;
  }
  ::shutdown(fd_.get(), SHUT_WR);
  return channel_state::done;
}

void channel::say_goodbye() noexcept {
  if (!tls_ || (SSL_get_shutdown(tls_.get()) & SSL_SENT_SHUTDOWN) != 0) return;
  if (shut_down() != channel_state::done) return;
  // As much as a socket's buffer may hold by default, and no more: this is no place to wait.
  constexpr std::size_t most_thrown_away = std::size_t{1} << 20U;
  // The kernel throws it away itself (tcp(7)): the buffer of this thread may be in use.
  static_cast<void>(::recv(fd_.get(), nullptr, most_thrown_away, MSG_TRUNC | MSG_DONTWAIT));
}

channel_state channel::discard() noexcept {
  auto& buffer = read_buffer();
  const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (n > 0) return channel_state::done;
  return n < 0 && may_go_on(errno) ? channel_state::wants_input : channel_state::ended;
}

bool channel::has_proved(const std::string& name) const {
  return tls_ && has_peer_proved(tls_.get(), name);
}

bool channel::has_verified_peer() const { return tls_ && is_peer_verified(tls_.get()); }

bool channel::has_unread() const noexcept { return tls_ && SSL_has_pending(tls_.get()) != 0; }

} // namespace tandem::io

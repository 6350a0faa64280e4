// SPDX-License-Identifier: Apache-2.0
// How the bytes of a connection pass its socket: as they are, or through TLS, as client or server.
// It never blocks and never calls anybody; io::connection has the rules of a connection. One
// thread.
#pragma once

#include <tandem/io/tls.hpp>
#include <tandem/io/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct iovec;

namespace tandem::io {

/// Which side of TLS we are.
enum class tls_role : std::uint8_t { client, server };

/// What a call of a channel came to.
enum class channel_state : std::uint8_t {
  done,        ///< some bytes went through, or the handshake is over
  wants_input, ///< call again when the socket can be read
  wants_room,  ///< call again when the socket can be written to
  ended,       ///< the peer sends no more; over TLS it said so by close_notify (RFC 8446 6.1)
  cut_off,     ///< over TLS: the connection ended without close_notify
  failed,      ///< it broke; problem() says how
};

struct channel_progress {
  channel_state state = channel_state::failed;
  std::size_t size = 0; ///< bytes that went through, with `done`
};

class channel {
 public:
  /// None.
  channel() noexcept = default;
  /// A plain one over a socket that does not block.
  explicit channel(unique_fd fd) noexcept : fd_{std::move(fd)} {}

  /// Has TLS on it from now on. \param host the name that a server's certificate must hold.
  /// \return false when there is no memory, or `host` is no name that a certificate can hold.
  [[nodiscard]] bool use_tls(const tls_context& context, tls_role role, const std::string& host);

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool is_tls() const noexcept { return tls_ != nullptr; }

  /// Goes on with the handshake of TLS until it is done or failed, never cut_off or ended. A plain
  /// channel has none.
  [[nodiscard]] channel_state shake_hands();

  [[nodiscard]] channel_progress read(std::span<char> to);

  /// Writes as much of the pieces as goes at once. What did not leave must be offered again in the
  /// same order; more may be behind it.
  [[nodiscard]] channel_progress write(std::span<const iovec> pieces);

  /// Says that nothing more will come: close_notify, then FIN. \return wants_room: call again.
  /// Afterwards what comes in may be thrown away by discard(); nothing else may be called.
  [[nodiscard]] channel_state shut_down() noexcept;
  /// Says the same as far as there is room at once, for who closes it now; once. What has come and
  /// was not read is thrown away, for which the kernel would reset the connection, and the peer
  /// might lose our last words.
  void say_goodbye() noexcept;
  /// Throws away what has come after shut_down(). \return done, wants_input, or ended.
  [[nodiscard]] channel_state discard() noexcept;

  /// The peer has shown a certificate that was verified, and it holds this name or address: no
  /// wildcard, and no common name (RFC 5922 7.2). False over a plain one.
  [[nodiscard]] bool has_proved(const std::string& name) const;
  /// Such a certificate, whatever it holds.
  [[nodiscard]] bool has_verified_peer() const;

  /// TLS has bytes that make no socket ready.
  [[nodiscard]] bool has_unread() const noexcept;

  /// What failed, for the log: the last failure of a call.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  struct free_tls {
    void operator()(ssl_st* session) const noexcept;
  };
  [[nodiscard]] channel_state state_of(int result);

  unique_fd fd_;
  std::unique_ptr<ssl_st, free_tls> tls_; ///< destroyed first: it writes by fd_ until then
  std::string problem_;
};

} // namespace tandem::io

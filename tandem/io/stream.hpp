// SPDX-License-Identifier: Apache-2.0
// A connection over TCP, or TLS over TCP, as a client or as the accepted side: bytes in, bytes out,
// bounded, never blocking. It belongs to one shard and is used on its thread only.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/io/unique_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::io {

/// Why a connection is over.
enum class stream_end : std::uint8_t {
  finished,   ///< finish() has sent all there was
  by_peer,    ///< the peer closed it, over TLS with close_notify (RFC 8446 6.1)
  cut_off,    ///< over TLS, without close_notify: somebody else may have closed it
  refused,    ///< connecting failed, nothing was sent
  tls_failed, ///< no TLS connection came about; nothing of ours was sent
  lost,       ///< reset, or the network gave up
  overflow,   ///< more output was waiting than the limit allows
};

/// Gets what happens on a stream. Each call may destroy the stream.
class stream_handler {
 public:
  /// The connection is up, TLS too. Accepted plain connections are up from the start, without it.
  virtual void on_connected() {}
  /// Bytes have come; valid during the call.
  virtual void on_data(std::string_view bytes) = 0;
  /// The peer will send no more, but may still read. Unless overridden with a function that keeps
  /// the stream, it is closed: on_closed(by_peer) follows. \return true to keep it for writing.
  virtual bool on_peer_finished() { return false; }
  /// All that was written has left.
  virtual void on_drained() {}
  /// It is over; the last call. `detail` is for the log.
  virtual void on_closed(stream_end why, std::string_view detail) = 0;

 protected:
  ~stream_handler() = default;
};

class stream final : readiness, turn_task, timer {
 public:
  /// \param output_limit bytes that may wait to be sent; beyond them the stream ends: overflow.
  stream(shard& home, stream_handler& handler, std::size_t output_limit = std::size_t{1} << 20U);
  /// Closes at once, without a call.
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// Begins to connect; on_connected or on_closed follows, never from inside this call. A stream
  /// that is over can be used again.
  /// \param tls none: plain. \param host the name the server's certificate must hold.
  void connect(const socket_address& to, const tls_context& tls = {}, const std::string& host = {});

  /// Takes an accepted connection. With TLS, on_connected follows when the handshake is done.
  void accept(unique_fd connection, const tls_context& tls = {});

  /// Sends bytes, in one segment where they fit; what the socket does not take is kept in order. No
  /// effect on a closed stream. Before on_connected they are kept.
  void write(std::string_view bytes);

  /// Sends what is waiting, then closes: on_closed(finished) follows when the peer has closed too,
  /// 2 s later at most. Input is no longer told.
  void finish();

  /// Closes now, without a call.
  void close() noexcept;

  /// Acknowledges at once what was read. For who waits for the rest of a message that the peer
  /// writes in pieces: with Nagle's algorithm (RFC 896) the peer holds the next piece back until
  /// then, and a delayed acknowledgement costs 40 ms. One system call.
  void acknowledge() noexcept;

  /// Stops and resumes reading, for whoever cannot keep up.
  void pause_reading();
  void resume_reading();

  [[nodiscard]] bool is_open() const noexcept { return state_ != state::closed; }
  [[nodiscard]] bool is_connected() const noexcept { return state_ == state::open; }
  /// Bytes written but not yet taken by the kernel.
  [[nodiscard]] std::size_t waiting_output() const noexcept { return output_.size() - sent_; }
  /// Bytes of what was written that went to the kernel since the connection began; still known in
  /// on_closed.
  [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return total_sent_; }
  /// An idle connection can be used again: still open, and the peer has neither closed nor sent.
  /// One system call.
  [[nodiscard]] bool is_quiet() const noexcept;

  [[nodiscard]] socket_address peer() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  enum class state : std::uint8_t { closed, connecting, handshake, open, finishing, lingering };

  class guard;

  void on_ready(std::uint32_t events) override;
  void on_turn_end() override;
  void on_timer(instant now) override;
  void linger();
  void discard_input();
  void end_later(stream_end why, std::string detail);
  void end(stream_end why, std::string_view detail);
  void finish_connect();
  void shake_hands();
  void come_up();
  void read_all();
  void flush();
  [[nodiscard]] std::size_t send_some(std::string_view bytes);
  void want_events();

  shard& home_;
  stream_handler& handler_;
  const std::size_t output_limit_;
  unique_fd fd_;
  ssl_st* tls_ = nullptr;
  state state_ = state::closed;
  bool reading_ = true;
  bool peer_finished_ = false;
  bool tls_wants_write_ = false; ///< a TLS read or handshake waits for room to write
  bool watched_ = false;
  std::uint32_t events_ = 0; ///< what epoll watches for
  std::string output_;
  std::size_t sent_ = 0; ///< of output_
  std::uint64_t total_sent_ = 0;
  std::optional<stream_end> pending_end_; ///< to be told at the end of the turn
  std::string pending_detail_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

} // namespace tandem::io

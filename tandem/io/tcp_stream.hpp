// SPDX-License-Identifier: Apache-2.0
// A TCP connection: reads up to 64 KB at a time into memory that all connections of a thread share,
// writes once per turn, with deadlines and bounded output. One timer, no buffer while idle.
#pragma once

#include <tandem/io/byte_stream.hpp>
#include <tandem/io/shard.hpp>

#include <memory>
#include <vector>

namespace tandem::io {

struct tcp_options {
  duration connect_limit = seconds{2};
  duration idle_limit = seconds{3600};             ///< without a byte either way
  duration output_limit = seconds{10};             ///< without the peer taking any output
  std::size_t output_bytes = std::size_t{1} << 20; ///< waiting to leave; more ends the stream
};

class tcp_stream final : public byte_stream, readiness, turn_task, timer {
 public:
  /// Takes over an accepted connection. Null when the kernel refuses to watch it.
  [[nodiscard]] static std::unique_ptr<tcp_stream> accept(shard& home, unique_fd fd,
                                                          const socket_address& peer,
                                                          byte_stream_user& user,
                                                          const tcp_options& options);
  /// Opens a connection, from `from` unless that is none. Failures are told by on_end, later.
  [[nodiscard]] static std::unique_ptr<tcp_stream> connect(shard& home, const socket_address& to,
                                                           const ip_address& from,
                                                           byte_stream_user& user,
                                                           const tcp_options& options);
  ~tcp_stream() override;

  void send(block_ref block, std::uint32_t size, send_token token = {}) override;
  void close() override;
  void give_up_place() override { finish(byte_stream_end::closed_here); }
  void await_by(instant deadline) override;
  [[nodiscard]] const socket_address& peer() const noexcept override { return peer_; }
  [[nodiscard]] const socket_address& local() const noexcept override { return local_; }
  [[nodiscard]] bool is_open() const noexcept override {
    return state_ == state::connecting || state_ == state::open;
  }

 private:
  enum class state : std::uint8_t {
    connecting,
    open,
    closing,   ///< output leaves, input is thrown away
    lingering, ///< our side is shut; the peer's end is awaited, so that it gets our last words
    failed,    ///< it ends at the end of this turn
    ended,
  };
  struct outgoing {
    block_ref block;
    std::uint32_t size = 0;
    send_token token;
  };

  tcp_stream(shard& home, unique_fd fd, const socket_address& peer, byte_stream_user& user,
             const tcp_options& options, state first);
  void on_ready(std::uint32_t events) override;
  void on_turn_end() override;
  void on_timer(instant now) override;

  void opened();
  void read();
  void write();
  void shut();
  void want(std::uint32_t events);
  void fail_at_turn_end(byte_stream_end why);
  void finish(byte_stream_end why);
  [[nodiscard]] instant next_deadline() const noexcept;
  void arm();

  shard& home_;
  byte_stream_user& user_;
  const tcp_options& options_;
  unique_fd fd_;
  state state_;
  byte_stream_end failure_{};
  std::uint32_t wanted_ = 0;
  socket_address peer_;
  socket_address local_;
  std::vector<outgoing> queue_;
  std::size_t first_ = 0;   ///< of queue_ that has not left
  std::size_t offset_ = 0;  ///< bytes of it that have
  std::size_t waiting_ = 0; ///< bytes in queue_
  instant active_;          ///< last byte either way; begin of the connect
  instant output_since_ = never;
  instant awaited_ = never;
};

/// The address that a socket is bound to; none when it is not.
[[nodiscard]] socket_address bound_address(int fd) noexcept;

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// A connection of TCP, or of TLS over it, that was opened or accepted: bytes in, bytes out,
// bounded, never blocking. It belongs to one shard and is used on its thread. Its user is told of
// its end exactly once, never from inside a call of his own but give_up_place(). Memory that runs
// out ends the connection that wanted it, and no other.
//
//   connection c{loop, handler};
//   c.connect(server, tls, "server.example");
//   c.write("hello");                     // leaves when it is up
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/clock.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/io/channel.hpp>
#include <tandem/io/connection_deadlines.hpp>
#include <tandem/io/connection_handler.hpp>
#include <tandem/io/output_queue.hpp>
#include <tandem/io/shard.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::io {

class connection final : readiness, turn_task, timer {
 public:
  static constexpr instant never = instant::max();

  connection(shard& loop, connection_handler& handler, const connection_limits& limits = {});
  /// Closes at once, without a call.
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Begins to connect; on_connected or on_closed follows. One that is over can be used again.
  /// \param tls none: plain. \param host the name the server's certificate must hold.
  /// \param from the local address, none: the kernel chooses.
  void connect(const socket_address& to, const tls_context& tls = {}, const std::string& host = {},
               const ip_address& from = {});

  /// Takes an accepted connection, as TLS server if there is a context.
  void accept(unique_fd socket, const socket_address& peer, const tls_context& tls = {});

  /// Sends `size` bytes of the block, together with all else of this turn at its end; before
  /// on_connected they are kept. \return false when it is closed or finished: nothing is told then.
  /// Throws std::bad_alloc, then nothing was taken.
  bool send(block_ref block, std::uint32_t size, send_token token = {});
  /// The same with a copy, for who needs no token.
  void write(std::string_view bytes);

  /// Sends what is waiting, then ends: on_closed(finished) follows when the peer has ended it too,
  /// 2 s later at most. Input is thrown away from now on. One that is not up yet ends at once, and
  /// what waited is told as unsent.
  void finish();

  /// Closes now, without a call. Over TLS the peer gets close_notify if nothing waits to be sent:
  /// what is cut off must not look whole (RFC 8446 6.1). It never blocks, and keeps nothing.
  void close() noexcept;

  /// Ends it now, for another one that needs its place: on_unsent and on_closed are told from
  /// inside. Not from inside a call of its handler.
  void give_up_place();

  /// Ends it if no one calls this again before that moment; `never` takes it back.
  void await_by(instant deadline);

  /// Acknowledges at once what was read. For who waits for the rest of a message that the peer
  /// writes in pieces: with Nagle's algorithm (RFC 896) the peer holds the next piece back until
  /// then, and a delayed acknowledgement costs 40 ms. One system call.
  void acknowledge() noexcept;

  /// Stops and resumes reading, for whoever cannot keep up.
  void pause_reading();
  void resume_reading();

  [[nodiscard]] bool is_open() const noexcept { return state_ != state::closed; }
  [[nodiscard]] bool is_connected() const noexcept { return state_ == state::open; }
  /// What is sent now is taken: it is coming up or up, and neither finished nor failed.
  [[nodiscard]] bool takes_output() const noexcept { return is_up_or_coming() && !failure_; }
  /// Bytes written but not yet taken by the kernel.
  [[nodiscard]] std::size_t waiting_output() const noexcept { return output_.bytes(); }
  /// Bytes of what was written that went to the kernel since the connection began; still known in
  /// on_closed.
  [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }
  /// An idle connection can be used again: still open, and the peer has neither closed nor sent.
  /// One system call.
  [[nodiscard]] bool is_quiet() const noexcept;

  /// The peer has shown a certificate of an authority that we trust, and it holds this name or
  /// address. For a TLS connection that is up.
  [[nodiscard]] bool has_proved(const std::string& name) const;
  /// Such a certificate, whatever it holds.
  [[nodiscard]] bool has_verified_peer() const;

  /// Both ends, also after the end; the local one is known while it opens, too.
  [[nodiscard]] const socket_address& peer() const noexcept { return peer_; }
  [[nodiscard]] const socket_address& local() const noexcept { return local_; }

 private:
  enum class state : std::uint8_t {
    closed,
    connecting,
    handshake,
    open,
    finishing, ///< output leaves, input is thrown away
    lingering, ///< our side is shut; the peer's end is awaited, so that it gets our last words
  };
  class life;

  void on_ready(std::uint32_t events) override;
  void on_turn_end() override;
  void on_timer(instant now) override;
  template <typename Event>
  void guard(Event&& event);
  void take_events(std::uint32_t events);
  void end_turn();

  void begin(state first, const socket_address& peer);
  void finish_connect();
  void shake_hands();
  void come_up();
  void read();
  void take_end_of_input();
  void read_later();
  void flush();
  void wait_for_room();
  void finish_as(connection_end why);
  void shut_down();
  void discard_input();
  void fail_at_turn_end(connection_end why, std::string_view detail) noexcept;
  void end(connection_end why, std::string_view detail);
  void say_goodbye() noexcept;
  void reset() noexcept;

  [[nodiscard]] bool is_up_or_coming() const noexcept {
    return state_ == state::connecting || state_ == state::handshake || state_ == state::open;
  }
  [[nodiscard]] bool is_reading() const noexcept;
  void want_events();
  [[nodiscard]] connection_deadlines::stage stage() const noexcept;
  void arm();

  struct failure {
    connection_end why;
    std::string detail;
  };

  shard& loop_;
  connection_handler& handler_;
  const std::size_t output_limit_;
  connection_deadlines deadlines_;
  channel channel_;
  state state_ = state::closed;
  connection_end end_of_finish_ = connection_end::finished; ///< told when what waits has left
  bool is_paused_ = false;                                  ///< by its user
  bool peer_finished_ = false;                              ///< nothing more comes in
  bool is_blocked_ = false;                                 ///< output waits for room
  bool reads_at_turn_end_ = false;
  bool read_wants_room_ = false;   ///< TLS: a read or the handshake waits for room to write
  bool write_wants_input_ = false; ///< TLS: a write waits for input
  std::uint32_t events_ = 0;       ///< what epoll watches for
  bool is_watched_ = false;
  output_queue output_;
  std::uint64_t sent_bytes_ = 0;
  socket_address peer_;
  socket_address local_;
  std::optional<failure> failure_; ///< to be told at the end of the turn
  life* lives_ = nullptr;
};

} // namespace tandem::io

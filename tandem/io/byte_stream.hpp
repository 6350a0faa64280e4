// SPDX-License-Identifier: Apache-2.0
// A stream of bytes to one peer, whatever carries it: TCP now; TLS and WebSocket plug in here. Used
// on the thread of its shard. Its user is told of its end exactly once, and may destroy it there.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/clock.hpp>
#include <tandem/base/ip_address.hpp>

#include <cstdint>
#include <string_view>

namespace tandem::io {

class byte_stream;

/// Identifies what was given to a socket or stream to send; its meaning is the caller's.
struct send_token {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
};

/// Why a stream ended.
enum class byte_stream_end : std::uint8_t {
  closed_here,    ///< close() or a destroyed user
  closed_by_peer, ///< the peer sent all it had
  reset,          ///< the connection broke
  refused,        ///< nobody listens there
  unreachable,    ///< no route, or no right to go there
  connect_limit,  ///< it did not open in time
  idle,           ///< nothing was said for too long
  read_limit,     ///< what was awaited (await_by) did not come
  output_limit,   ///< the peer takes nothing
  overflow,       ///< more output waits than may
};

/// Who reads a stream.
class byte_stream_user {
 public:
  /// Bytes came in; the view lives for the call. The stream may be written to and closed here, but
  /// not destroyed.
  virtual void on_bytes(byte_stream& on, std::string_view bytes) = 0;
  /// The stream has ended. The user may destroy it here, or keep the dead object.
  virtual void on_end(byte_stream& on, byte_stream_end why) = 0;
  /// Output that was taken and never left, told just before on_end, in order.
  virtual void on_unsent(byte_stream& on, send_token token, byte_stream_end why) = 0;

 protected:
  ~byte_stream_user() = default;
};

class byte_stream {
 public:
  static constexpr instant never = instant::max();

  byte_stream() noexcept = default;
  byte_stream(const byte_stream&) = delete;
  byte_stream& operator=(const byte_stream&) = delete;
  virtual ~byte_stream() = default;

  /// Sends `size` bytes of the block, together with all else of this turn at its end; while the
  /// stream is still opening, they wait. After close() they are dropped and reported.
  virtual void send(block_ref block, std::uint32_t size, send_token token = {}) = 0;

  /// Ends the stream once what was sent has left. on_end follows later, never from inside.
  virtual void close() = 0;

  /// Ends the stream now, for another one that needs its place: on_unsent and on_end are told from
  /// inside this call. Not from inside a call of this stream.
  virtual void give_up_place() = 0;

  /// Ends the stream if no one calls this again before that moment; `never` takes it back.
  virtual void await_by(instant deadline) = 0;

  [[nodiscard]] virtual const socket_address& peer() const noexcept = 0;
  [[nodiscard]] virtual const socket_address& local() const noexcept = 0;
  [[nodiscard]] virtual bool is_open() const noexcept = 0; ///< it can be sent on
};

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// What a connection tells its user, and what it is held to.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/io/send_token.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::io {

/// Why a connection is over.
enum class connection_end : std::uint8_t {
  finished,     ///< finish() has sent all there was
  by_peer,      ///< the peer ended it, over TLS with close_notify (RFC 8446 6.1)
  cut_off,      ///< over TLS, without close_notify: somebody else may have ended it
  refused,      ///< nobody listens there
  unreachable,  ///< it could not be opened: no route, no right to go there, no descriptors left
  open_limit,   ///< it did not come up in time, TLS included
  tls_failed,   ///< no TLS came about, or not with whom it should
  lost,         ///< reset, or the network gave up
  idle,         ///< nothing was said for too long
  read_limit,   ///< what was awaited (await_by) did not come
  output_limit, ///< the peer takes nothing
  overflow,     ///< more output waited than may
  gave_place,   ///< give_up_place()
  no_memory,    ///< memory ran out for what came, or for what was to leave
};

/// Whether it ended before it was up: nothing was sent, and another address may do.
[[nodiscard]] constexpr bool has_not_opened(connection_end why) noexcept {
  return why == connection_end::refused || why == connection_end::unreachable ||
         why == connection_end::open_limit || why == connection_end::tls_failed;
}

/// What becomes of a connection whose peer sends no more; it may still read.
enum class half_close : std::uint8_t {
  finish,  ///< what waits is sent, then it ends: by_peer
  end_now, ///< it ends now: by_peer
  keep,    ///< it stays as it is, for writing
};

/// Gets what happens on a connection. Each call but on_unsent may destroy it. A call that throws
/// std::bad_alloc ends this connection: no_memory. The last two, which tell of its end, must not.
class connection_handler {
 public:
  /// The connection is up, TLS too. An accepted plain one is up from the start, without this call.
  virtual void on_connected() {}
  /// Bytes have come; valid during the call.
  virtual void on_data(std::string_view bytes) = 0;
  /// The peer will send no more; told once.
  virtual half_close on_peer_finished() { return half_close::finish; }
  /// All that was written has left.
  virtual void on_drained() {}
  /// Output that was taken and did not leave whole, in order, just before on_closed.
  virtual void on_unsent(send_token /*token*/, connection_end /*why*/) {}
  /// It is over; the last call. It may be opened again from here. `detail` is for the log.
  virtual void on_closed(connection_end why, std::string_view detail) = 0;

 protected:
  ~connection_handler() = default;
};

struct connection_limits {
  static constexpr duration none = duration::max();

  duration open = seconds{10};   ///< for the connection to come up, TLS included
  duration idle = none;          ///< without a byte either way
  duration output = seconds{30}; ///< without the peer taking any of what waits
  /// That may wait to be sent, with what each piece takes beside its bytes; more ends the
  /// connection. Beyond half of it nothing is read: who does not read is not heard either.
  std::size_t output_bytes = std::size_t{1} << 20U;
};

} // namespace tandem::io

// SPDX-License-Identifier: Apache-2.0
// Bodies that come in pieces, each when the peer has taken the one before: however long a body is
// and however slowly it is read, one piece of it is kept. The thread of the server.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace tandem::http {

struct body_piece {
  enum class place : std::uint8_t { inside, last };

  std::string bytes;
  place at = place::inside;
};

/// What brings a body. Dropped when it has brought all, or when the peer is gone: what it has asked
/// for by then comes back to nobody.
class body_source {
 public:
  using taker = std::function<void(std::optional<body_piece>)>;

  body_source() = default;
  body_source(const body_source&) = delete;
  body_source& operator=(const body_source&) = delete;
  virtual ~body_source() = default;

  /// Calls `brought` once, perhaps before this returns: with the next piece, or with nothing where
  /// the body cannot go on; the connection is then cut, so that nobody takes it for whole (RFC 9112
  /// 8). Not called again before that, nor after the last piece.
  virtual void next(taker brought) = 0;
};

} // namespace tandem::http

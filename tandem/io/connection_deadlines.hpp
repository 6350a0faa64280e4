// SPDX-License-Identifier: Apache-2.0
// The moments by which a connection must have gone on, or it ends. In virtual time, one thread.
#pragma once

#include <tandem/io/connection_handler.hpp>

#include <algorithm>
#include <optional>

namespace tandem::io {

class connection_deadlines {
 public:
  static constexpr instant never = instant::max();

  enum class stage : std::uint8_t {
    opening,
    open,
    lingering, ///< only the end of the peer is awaited
  };

  explicit connection_deadlines(const connection_limits& limits) noexcept
      : open_{limits.open}, idle_{limits.idle}, output_{limits.output} {}

  /// It begins to open, or it is up.
  void begin(instant now) noexcept { active_ = now; }
  void forget() noexcept { blocked_since_ = awaited_ = never; }
  void note_input(instant now) noexcept { active_ = now; }
  void note_output(instant now) noexcept {
    active_ = now;
    blocked_since_ = never;
  }
  /// Output waits, and the peer takes none.
  void note_blocked(instant now) noexcept {
    if (blocked_since_ == never) blocked_since_ = now;
  }
  void await_by(instant deadline) noexcept { awaited_ = deadline; }

  /// The first of those that count.
  [[nodiscard]] instant next(stage at) const noexcept {
    switch (at) {
    case stage::opening: return std::min(awaited_, after(active_, open_));
    case stage::lingering: return awaited_;
    case stage::open: break;
    }
    return std::min({awaited_, after(active_, idle_), output_deadline()});
  }

  /// Why it ends now; nothing while it may go on.
  [[nodiscard]] std::optional<connection_end> overdue(stage at, instant now) const noexcept {
    if (next(at) > now) return std::nullopt;
    if (awaited_ <= now) return connection_end::read_limit;
    if (at == stage::opening) return connection_end::open_limit;
    return output_deadline() <= now ? connection_end::output_limit : connection_end::idle;
  }

 private:
  [[nodiscard]] static instant after(instant begin, duration limit) noexcept {
    return limit == connection_limits::none ? never : begin + limit;
  }
  [[nodiscard]] instant output_deadline() const noexcept {
    return blocked_since_ == never ? never : after(blocked_since_, output_);
  }

  duration open_;
  duration idle_;
  duration output_;
  instant active_{};              ///< last byte either way; when it began to open
  instant blocked_since_ = never; ///< no output was taken since
  instant awaited_ = never;
};

} // namespace tandem::io

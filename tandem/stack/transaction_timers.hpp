// SPDX-License-Identifier: Apache-2.0
// Timers A to M (RFC 3261 table 4, RFC 6026): how long each runs. A transaction has two moments,
// the next retransmission and the end of waiting, in one entry of the shard's wheel. One thread.
#pragma once

#include <tandem/stack/outbox.hpp>
#include <tandem/stack/timer_settings.hpp>
#include <tandem/stack/transaction.hpp>

#include <optional>

namespace tandem::stack {

class transaction_timers {
 public:
  transaction_timers(outbox& out, const timer_settings& settings) noexcept
      : out_{out}, settings_{settings} {}

  [[nodiscard]] const timer_settings& settings() const noexcept { return settings_; }
  /// Takes effect on timers that are armed later.
  void set_settings(const timer_settings& settings) noexcept { settings_ = settings; }

  /// Begins: the end of waiting after so long, and the first retransmission after T1 where the
  /// transport loses (timers A and E).
  void begin_sending(transaction& t, duration end) noexcept;
  /// Stops the retransmission and sets the end of waiting.
  void start(transaction& t, duration after) noexcept;
  /// Sets the end of waiting alone.
  void end_after(transaction& t, duration after) noexcept;
  /// What a row of a machine orders.
  void follow(transaction& t, action_set<transaction_action> actions) noexcept;
  void stop(transaction& t) noexcept;

  /// The timer of the transaction has come.
  /// \return what that means to its machine; nothing when it came early, or when there is no memory
  ///         for what follows from it: then it comes again.
  [[nodiscard]] std::optional<transaction_event> take_due(transaction& t, instant now) noexcept;
  /// When the waiting in its state ends.
  [[nodiscard]] instant end_of(const transaction& t) const noexcept { return t.expire_at_; }
  /// One that ran for no time (RFC 3261 table 4: D, I, J, K over a stream) has ended. One that was
  /// due before, and is late, comes by itself.
  /// \param was_due end_of() before the row was followed
  [[nodiscard]] bool is_over(const transaction& t, instant was_due) const noexcept {
    return t.expire_at_ <= out_.now() && t.expire_at_ != was_due;
  }

 private:
  void arm(transaction& t) noexcept;

  outbox& out_;
  timer_settings settings_;
};

} // namespace tandem::stack

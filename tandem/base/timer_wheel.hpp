// SPDX-License-Identifier: Apache-2.0
// Timers of one shard: an intrusive hierarchical wheel with a 10 ms tick. Arming and cancelling are
// O(1) and allocate nothing. One thread. A timer fires at or after its moment, never before, and at
// most a tick late (RFC 3261 wants no better).
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/counter.hpp>
#include <tandem/base/intrusive_list.hpp>

#include <array>
#include <cstdint>
#include <optional>

namespace tandem {

class timer_wheel;

/// Something that is due at a moment. Derive from it, or embed one, and implement on_timer. A timer
/// that is destroyed is cancelled.
class timer : public list_hook<timer> {
 public:
  [[nodiscard]] bool is_armed() const noexcept { return is_linked(); }

  /// The tick-rounded moment it is armed for; meaningless when it is not.
  [[nodiscard]] instant due() const noexcept;

  /// Forgets the timer; no effect when it is not armed.
  void cancel() noexcept { unlink(); }

 protected:
  ~timer() = default;

 private:
  friend class timer_wheel;

  /// Runs on the wheel's thread, disarmed: it may arm itself again, and may destroy itself or
  /// others.
  virtual void on_timer(instant now) = 0;

  std::uint64_t tick_ = 0;
};

/// The wheel: five levels of 256 slots; what is further away than a century is due in a century.
class timer_wheel {
 public:
  static constexpr duration tick = milliseconds{10};

  /// \param start the present; moments before it are due at once.
  explicit timer_wheel(instant start) noexcept;

  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  /// Arms `t` for `when`, in place of what it was armed for.
  void arm(timer& t, instant when) noexcept;

  /// Runs every timer that is due at `now`, in the order of their ticks. Never call it from
  /// on_timer.
  void advance(instant now);

  /// The moment to call advance() next: when the next timer is due, or earlier where timers that
  /// are far away must be sorted once more; nothing when no timer is armed.
  [[nodiscard]] std::optional<instant> next_due() noexcept;

  /// Timers that memory ran out for.
  [[nodiscard]] const counter& lost() const noexcept { return lost_; }

 private:
  static constexpr unsigned levels = 5;
  static constexpr unsigned slot_bits = 8;
  static constexpr unsigned slots = 1U << slot_bits;

  struct level {
    std::array<intrusive_list<timer, timer>, slots> lists;
    std::array<std::uint64_t, slots / 64> occupied{}; ///< a clear bit: surely empty
  };

  void place(timer& t) noexcept;
  void open_slots() noexcept;
  [[nodiscard]] std::optional<std::uint64_t> next_tick() noexcept;

  std::array<level, levels> levels_;
  std::uint64_t current_; ///< the tick that has been run last
  counter lost_;
};

} // namespace tandem
